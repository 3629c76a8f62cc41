"""Models on the Hugging Face hub, with a model card: what `oasis push` runs."""

from oasis.publishing.pushing import push

__all__ = ["push"]
