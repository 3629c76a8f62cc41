"""Checkpoints of transformers with a few channels and random weights, saved as those on the hub are."""

import torch


def save_checkpoint(kind, names, folder):
    """Write one of a `model_type` with these classes to a folder."""
    import transformers

    torch.manual_seed(0)
    classes = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    {"mask2former": _mask2former, "maskformer": _maskformer, "segformer": _segformer, "upernet": _upernet}[kind](
        transformers, classes
    ).save_pretrained(folder)
    processors = {
        "mask2former": lambda: transformers.Mask2FormerImageProcessor(size={"shortest_edge": 64, "longest_edge": 128}),
        "maskformer": lambda: transformers.MaskFormerImageProcessor(size={"shortest_edge": 64, "longest_edge": 128}),
    }
    processors.get(
        kind, lambda: transformers.SegformerImageProcessor(size={"height": 64, "width": 96})
    )().save_pretrained(folder)


def _swin(transformers):
    return transformers.SwinConfig(
        image_size=64,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def _mask2former(transformers, classes):
    return transformers.Mask2FormerForUniversalSegmentation(
        transformers.Mask2FormerConfig(
            backbone_config=_swin(transformers),
            feature_size=32,  # a multiple of its 32 groups
            mask_feature_size=32,
            hidden_dim=32,
            encoder_feedforward_dim=16,
            dim_feedforward=16,
            num_attention_heads=2,
            encoder_layers=1,
            decoder_layers=2,
            num_queries=7,
            **classes,
        )
    )


def _maskformer(transformers, classes):
    decoder = transformers.DetrConfig(
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=7,
    )
    return transformers.MaskFormerForInstanceSegmentation(
        transformers.MaskFormerConfig(
            backbone_config=_swin(transformers),
            decoder_config=decoder,
            fpn_feature_size=32,
            mask_feature_size=32,
            **classes,
        )
    )


def _segformer(transformers, classes):
    return transformers.SegformerForSemanticSegmentation(
        transformers.SegformerConfig(
            depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16,
            **classes,
        )
    )  # fmt: skip


def _upernet(transformers, classes):
    backbone = transformers.ConvNextConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_features=["stage1", "stage2", "stage3", "stage4"]
    )
    return transformers.UperNetForSemanticSegmentation(
        transformers.UperNetConfig(
            backbone_config=backbone, hidden_size=16, auxiliary_channels=8, auxiliary_in_channels=16, **classes
        )
    )
