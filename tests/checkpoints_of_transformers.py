"""Checkpoints of transformers with a few channels and random weights, saved as those on the hub are."""

import json
import string

import torch

QUERY_SIZE = {"shortest_edge": 64, "longest_edge": 128}  # that networks of queries resize pictures to


def save_checkpoint(kind, names, folder):
    """Write one of a `model_type` with these classes to a folder."""
    import transformers

    torch.manual_seed(0)
    classes = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    models = {
        "mask2former": _mask2former,
        "maskformer": _maskformer,
        "oneformer": _oneformer,
        "segformer": _segformer,
        "upernet": _upernet,
    }
    models[kind](transformers, classes).save_pretrained(folder)
    processors = {
        "mask2former": lambda: transformers.Mask2FormerImageProcessor(size=QUERY_SIZE),
        "maskformer": lambda: transformers.MaskFormerImageProcessor(size=QUERY_SIZE),
        "oneformer": lambda: transformers.OneFormerImageProcessor(size=QUERY_SIZE),
    }
    processors.get(
        kind, lambda: transformers.SegformerImageProcessor(size={"height": 64, "width": 96})
    )().save_pretrained(folder)
    if kind == "oneformer":
        _save_tokenizer(folder)
        names_on_the_hub = {"class_info_file": "classes.json", "repo_path": "shi-labs/oneformer_demo"}
        change_settings(folder / "preprocessor_config.json", **names_on_the_hub)


def change_settings(file, **values):
    """Replace settings in a JSON file of a checkpoint."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def _save_tokenizer(folder):
    """A CLIP tokenizer of letters and three words, in the files that published checkpoints of OneFormer have."""
    merges = ["t h", "th e</w>", "i s</w>", "s e"]
    special = ["<|startoftext|>", "<|endoftext|>"]
    letters = list(string.ascii_lowercase)
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), *(pair.replace(" ", "") for pair in merges)]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate([*vocabulary, *special])}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    names = {"bos_token": special[0], "eos_token": special[1], "unk_token": special[1], "pad_token": special[1]}
    (folder / "special_tokens_map.json").write_text(json.dumps(names))
    (folder / "tokenizer_config.json").write_text(json.dumps({**names, "tokenizer_class": "CLIPTokenizer"}))


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


def _oneformer(transformers, classes):
    model = transformers.OneFormerForUniversalSegmentation(
        transformers.OneFormerConfig(
            backbone_config=_swin(transformers),
            conv_dim=32,
            mask_dim=32,
            hidden_dim=32,
            encoder_feedforward_dim=16,
            dim_feedforward=16,
            num_attention_heads=2,
            encoder_layers=1,
            decoder_layers=3,
            num_queries=7,
            output_attentions=True,  # as published
            **classes,
        )
    )
    decoder = model.model.transformer_module
    with torch.no_grad():  # queries that differ, and some that are sure
        decoder.queries_embedder.weight *= 30
        for name, weights in decoder.named_parameters():
            if "_proj" in name and weights.ndim == 2:
                weights *= 3
        decoder.decoder.class_embed.weight *= 150
        decoder.decoder.mask_embed.layers[-1].layers[0].weight *= 100
    return model


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
