"""A combined pipeline loads another model along, which its model card names: that one is looked over as well."""

import json
import shutil

import pytest
from diffusers import (
    DDIMScheduler,
    KandinskyV22Pipeline,
    KandinskyV22PriorPipeline,
    PriorTransformer,
    UnCLIPScheduler,
    UNet2DConditionModel,
    VQModel,
)
from huggingface_hub import constants
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.errors import ModelError
from tests.engine import tiny


def tiny_prior(folder):
    tokenizer = tiny.clip_tokenizer()
    eyes = CLIPVisionConfig(
        hidden_size=32, image_size=32, projection_dim=32, num_hidden_layers=1, num_attention_heads=4, patch_size=16
    )
    KandinskyV22PriorPipeline(
        prior=PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1),
        image_encoder=CLIPVisionModelWithProjection(eyes),
        text_encoder=CLIPTextModelWithProjection(tiny._text_config(tokenizer)),
        tokenizer=tokenizer,
        scheduler=UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="sample"),
        image_processor=CLIPImageProcessorPil(crop_size=32, size=32),
    ).save_pretrained(folder)


def tiny_decoder(folder):
    unet = UNet2DConditionModel(
        sample_size=8,
        out_channels=8,
        addition_embed_type="image",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        block_out_channels=(32, 64),
        layers_per_block=1,
        encoder_hid_dim=32,
        encoder_hid_dim_type="image_proj",
        cross_attention_dim=32,
        attention_head_dim=4,
        resnet_time_scale_shift="scale_shift",
    )
    movq = VQModel(norm_num_groups=8, norm_type="spatial", num_vq_embeddings=12, vq_embed_dim=4)
    KandinskyV22Pipeline(unet=unet, scheduler=DDIMScheduler(), movq=movq).save_pretrained(folder)
    change(folder / "model_index.json", _class_name="KandinskyV22CombinedPipeline")
    (folder / "README.md").write_text("---\nlicense: mit\nprior:\n- me/prior\n---\n")


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kandinsky")
    tiny_decoder(folder / "decoder")
    tiny_prior(folder / "prior")
    return folder


@pytest.fixture
def folders(originals, tmp_path, monkeypatch):
    """(decoder, prior); the prior lies in the hub's cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--me--prior"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123abc")
    decoder = shutil.copytree(originals / "decoder", tmp_path / "decoder")
    return decoder, shutil.copytree(originals / "prior", repository / "snapshots" / "0123abc")


def load(folder):
    return load_engine(GenerationConfig(model=str(folder), num_inference_steps=1))


def test_a_combined_pipeline_is_loaded_with_the_model_that_its_card_names(folders):
    engine = load(folders[0])
    assert engine.facts.pipeline == "KandinskyV22CombinedPipeline"
    engine.close()


@pytest.mark.parametrize(
    ("file", "values", "said"),
    [
        ("model_index.json", {"_class_name": ["pipeline", "Evil"]}, "is no part of another model"),
        ("model_index.json", {"_class_name": "KandinskyV22CombinedPipeline"}, "is no part of another model"),
        ("model_index.json", {"prior": ["diffusers", "DiffusionPipeline"]}, "no model, tokenizer or scheduler"),
        ("image_encoder/config.json", {"attn_implementation": "evil/kernel"}, "fetch or run something"),
        ("image_encoder/config.json", {"hidden_size": 2**19}, "made to use up memory"),
    ],
)
def test_what_a_model_card_names_is_looked_over_as_well(folders, file, values, said):
    change(folders[1] / file, **values)
    with pytest.raises(ModelError, match=said):
        load(folders[0])


def test_what_a_model_card_names_holds_no_code_and_no_links(folders):
    (folders[1] / "notice.txt").symlink_to("/etc/passwd")
    with pytest.raises(ModelError, match=r"model 'me/prior': notice.txt is a link"):
        load(folders[0])
