"""Policies on what goes in and out."""
