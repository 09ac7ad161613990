"""Training encoders and rerankers on what `headwater learning export` wrote; by torch, in no service.

`python -m headwater_inference.training encoder EXPORT --base DIR --out DIR`, in
an environment with the extra `headwater-inference[train]`; `headwater train` is the same.
"""
