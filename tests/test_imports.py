"""What each way into the program may load: asked of the interpreter, since import contracts see no deferred imports."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "diffusers", "transformers", "textual", "textual_image"}


def loaded_by(code):
    script = (
        f"import json, sys\n{code}\nprint(json.dumps(sorted(m for m in sys.modules if '.' not in m)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.strip().split("\n")[-1])) & HEAVY


@pytest.mark.parametrize(
    "module", ["cli", "batch", "plan.plan_text", "doctor", "run.loop", "plan.draft", "engine.protocol"]
)
def test_nothing_heavy_comes_with_an_import(module):
    assert loaded_by(f"import sframes_tui.{module}") == set()


def test_a_dry_run_draws_its_plan_without_torch():
    code = "from sframes_tui.cli import main\nassert main(['configs/lighthouse.toml', '--dry-run']) == 0"
    assert loaded_by(code) == set()


def test_little_is_loaded_before_the_first_paint():
    script = "import sys, sframes_tui.cli, sframes_tui.ui.start, sframes_tui.ui.app\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    late = {
        "torch",
        "diffusers",
        "PIL",
        "pydantic",
        "textual_image",
        "sframes_tui.config.config",
        "sframes_tui.run.loop",
    }
    assert late & set(done.stdout.split()) == set()


def test_importing_ahead_loads_what_a_model_needs_and_no_code_of_models():
    code = (
        "from sframes_tui.engine.model_cache import ModelCache\n"
        "from sframes_tui.model.source import locate_model\n"
        "pieces = list(ModelCache().prepare(locate_model('builtin:picturebook', None)))\n"
        "import diffusers.utils.constants as constants\n"
        "assert constants.DIFFUSERS_DISABLE_REMOTE_CODE, 'code of models may be fetched'\n"
        "assert 'StableDiffusionPipeline' in pieces, pieces\n"
        "assert 'diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img' in sys.modules"
    )
    assert loaded_by(code) == {"torch", "diffusers", "transformers"}
