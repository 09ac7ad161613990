"""The main job on real input, step by step, measured."""
