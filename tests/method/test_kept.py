"""A tuned LoRA in a file: found again, never in place of something else, never lost."""

import copy
import errno
import os
import resource
import signal
import socket
import threading

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gooddrag import LoRA, Model, files
from gooddrag.method.kept import tuned


@pytest.fixture
def short(fast):
    return fast.replace(lora_steps=2, lora_rank=4, lora_batch=1)


@pytest.fixture
def tune(model, z0, text, short, tmp_path):
    """``tuned`` into a.safetensors, what it told, and how many steps it took."""

    def run(**other):
        told, steps = [], []
        given = {"model": model, "z0": z0, "text": text, "config": short, "file": tmp_path / "a.safetensors", **other}
        lora = tuned(**{"callback": steps.append, "tell": told.append, **given})
        return lora, told, len(steps)

    return run


@pytest.fixture
def small_disk():
    """Files that are larger than a thousand bytes cannot be written from when it is called."""
    before, heard = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, heard)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def equal(a, b):
    return all(torch.equal(x, y) for n in a.weights for x, y in zip(a.weights[n], b.weights[n]))


def test_it_is_read_when_all_is_the_same(tune, short):
    first, told, steps = tune()
    assert steps
    assert not told
    again, told, steps = tune(config=short.replace(operations=1))
    assert not steps
    assert not told
    assert equal(first, again)


def test_what_was_tuned_on_something_else_stays_and_both_are_found_again(tune, z0, text, short, tmp_path):
    first, *_ = tune()
    others = (
        {"z0": z0 + 1},
        {"text": text + 1},
        {"seed": 3},
        {"config": short.replace(lora_steps=3)},
        {"std": z0 * 0 + 1},
    )
    kept = []
    for i, other in enumerate(others, 2):
        lora, told, steps = tune(**other)
        assert steps, other
        assert told == [
            f"a.safetensors is something else and was left as it is; the LoRA is kept beside it, in a-{i}.safetensors."
        ]
        kept.append(lora)
    assert names(tmp_path) == ["a-2.safetensors", *(f"a-{i}.safetensors" for i in range(3, 7)), "a.safetensors"]
    for lora, other in zip([first, *kept], [{}, *others]):
        again, told, steps = tune(**other)
        assert (steps, told) == (0, [])
        assert equal(lora, again)
    (tmp_path / "a.safetensors").unlink()
    assert tune(seed=3)[2] == 0  # found although the first name is free


def test_another_model_is_something_else(tune, model):
    before = tune()[0].fingerprint
    model.unet.mid_block.attentions[0].proj_in.weight.data[0] += 1
    assert tune()[0].fingerprint != before


def nonsense(path):
    path.write_bytes(b"nonsense")


def foreign(path):
    save_file({"x": torch.zeros(1)}, path)


def pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def device(path):
    path.symlink_to("/dev/zero")


def pipe_elsewhere(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


def nowhere(path):
    path.symlink_to("/nowhere/at/all")


def folder(path):
    path.mkdir()


def standing(path):
    """What writing changes; reading a link changes its access time."""
    stat = path.lstat()
    return stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns


@pytest.mark.parametrize("make", [nonsense, foreign, pipe, unix_socket, device, pipe_elsewhere, nowhere, folder])
def test_what_is_no_kept_lora_is_neither_opened_nor_touched(tune, tmp_path, make):
    make(tmp_path / "a.safetensors")
    before = standing(tmp_path / "a.safetensors")
    _, told, steps = tune()
    assert steps
    assert "the LoRA is kept beside it, in a-2.safetensors" in told[0]
    assert standing(tmp_path / "a.safetensors") == before
    assert tune()[2] == 0


def test_a_kept_lora_whose_weights_are_cut_off_is_left_alone(tune, tmp_path):
    tune()
    file = tmp_path / "a.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "kept beside it, in a-2.safetensors" in tune()[1][0]


def test_a_kept_lora_whose_weights_were_changed_is_left_alone(tune, tmp_path):
    first = tune()
    file = tmp_path / "a.safetensors"
    file.write_bytes(file.read_bytes()[:-40] + b"\x3f" * 40)
    again = tune()
    assert "kept beside it, in a-2.safetensors" in again[1][0]
    assert again[2] == first[2] > 0
    with pytest.raises(ValueError, match="its weights are not those that were written"):
        LoRA.load(file)


@pytest.mark.parametrize(
    "name",
    [
        "/nowhere/a.safetensors",
        "/proc/a.safetensors",
        "x" * 253 + ".st",
        "nul.safetensors",
        "a.",
        "\udcff.st",
    ],
)
def test_what_cannot_be_written_is_found_before_tuning(tune, tmp_path, name):
    with pytest.raises(ValueError, match="the LoRA cannot be kept in .*give another file"):
        tune(file=tmp_path / name, callback=lambda p: pytest.fail("it was tuned"))
    assert not names(tmp_path)


def test_a_full_disk_is_found_before_tuning(tune, tmp_path, small_disk):
    small_disk()
    with pytest.raises(ValueError, match="cannot be kept in .*File too large; give another file"):
        tune(callback=lambda p: pytest.fail("it was tuned"))
    assert not names(tmp_path)


def test_a_disk_that_fills_up_while_tuning_loses_nothing(tune, tmp_path, small_disk):
    expected, *_ = tune(file=tmp_path / "b.safetensors")
    lora, told, _ = tune(callback=lambda p: small_disk())
    assert equal(lora, expected)
    assert told == [
        f"The LoRA was tuned and is used, but could not be kept in {tmp_path}/a.safetensors: File too large."
    ]
    assert names(tmp_path) == ["b.safetensors"]


def test_a_name_that_was_taken_while_tuning_is_left_alone(tune, tmp_path):
    _, told, _ = tune(callback=lambda p: (tmp_path / "a.safetensors").write_bytes(b"mine"))
    assert (tmp_path / "a.safetensors").read_bytes() == b"mine"
    assert "a-2.safetensors" in told[0]


def test_a_file_is_replaced_only_by_a_whole_one(tune, tmp_path, small_disk):
    lora, *_ = tune()
    before = (tmp_path / "a.safetensors").read_bytes()
    small_disk()
    with pytest.raises(OSError, match="File too large"):
        lora.save(tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == before
    assert names(tmp_path) == ["a.safetensors"]
    assert equal(LoRA.load(tmp_path / "a.safetensors"), lora)


@pytest.mark.parametrize("broken", ["a tensor is missing", "a layer is missing", "another shape", "another layer"])
def test_a_file_whose_weights_do_not_fit_is_tuned_anew_beside_it(tune, tmp_path, broken):
    """Its header alone says that it is this one."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    first, _, _ = tune()
    path = tmp_path / "a.safetensors"
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    modules = metadata["gooddrag_modules"].split()
    one = next(key for key in tensors if key.endswith("lora_up.weight"))
    if broken == "a tensor is missing":
        del tensors[one]
    elif broken == "a layer is missing":
        metadata["gooddrag_modules"] = " ".join(modules[1:])
    elif broken == "another shape":
        tensors[one] = torch.zeros(tensors[one].shape[0] + 1, *tensors[one].shape[1:])
    else:
        metadata["gooddrag_modules"] = " ".join(["no.such.layer", *modules[1:]])
    save_file(tensors, path, metadata)
    again, _, steps = tune()
    assert steps
    assert equal(first, again)
    assert names(tmp_path) == ["a-2.safetensors", "a.safetensors"]


def test_a_link_that_leads_to_itself_is_found_before_tuning(tune, tmp_path):
    path = tmp_path / "loop.safetensors"
    path.symlink_to(path)
    _, _, steps = tune(file=path)
    assert steps
    assert names(tmp_path) == ["loop-2.safetensors", "loop.safetensors"]


def test_two_runs_that_keep_under_one_name_at_once_lose_neither(tune, z0, unet, tmp_path):
    """Both have found the name free and are tuned when the first of them writes."""
    both, failed = threading.Barrier(2, timeout=60), []

    def keep(latent, callback):
        try:
            one = Model(copy.deepcopy(unet))
            tune(model=one, z0=latent, callback=callback)
        except Exception as error:
            failed.append(error)

    def met(progress):
        if progress.step == progress.total:
            both.wait()

    threads = [threading.Thread(target=keep, args=(latent, met)) for latent in (z0, z0 + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert names(tmp_path) == ["a-2.safetensors", "a.safetensors"]
    assert tune()[2] == tune(z0=z0 + 1)[2] == 0


def test_many_writers_of_one_file_at_once(tmp_path):
    file, contents, failed = tmp_path / "a", [bytes([i]) * 100_000 for i in range(8)], []

    def put(data, new):
        try:
            files.write(file, data, new=new)
        except Exception as error:
            failed.append(error)

    for new in (False, True):
        file.unlink(missing_ok=True)
        threads = [threading.Thread(target=put, args=(data, new)) for data in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert file.read_bytes() in contents
        assert names(tmp_path) == ["a"]
        assert [type(error) for error in failed] == [FileExistsError] * (7 if new else 0)


def test_what_a_killed_writer_left_is_in_nobodys_way(tune, tmp_path):
    (tmp_path / f".gooddrag-{os.getpid()}.part").write_bytes(b"")
    tune()
    assert (tmp_path / "a.safetensors").is_file()


def test_a_new_file_on_a_disk_without_second_names(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    files.write(tmp_path / "a", b"first", new=True)
    with pytest.raises(FileExistsError):
        files.write(tmp_path / "a", b"second", new=True)
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("seed", [2**64, -1])
def test_a_seed_of_more_than_64_bits_is_refused(tune, tmp_path, seed):
    with pytest.raises(ValueError, match=f"seed is {seed}, .*; give one from 0 to"):
        tune(seed=seed)
    assert not names(tmp_path)


def test_what_a_killed_writer_left_goes_after_a_day(tune, tmp_path):
    old, new, mine = (
        tmp_path / name for name in (".gooddrag-00000000.part", ".gooddrag-11111111.part", ".gooddrag-mine")
    )
    for path in (old, new, mine):
        path.write_bytes(b"x")
    for path in (old, mine):
        os.utime(path, (0, 0))
    tune()
    assert (old.exists(), new.exists(), mine.exists()) == (False, True, True)


@pytest.mark.parametrize("weight", [torch.tensor(1.0), torch.zeros(2, 6, dtype=torch.int64), torch.zeros(0)])
def test_weights_that_are_no_matrices_are_refused(tune, tmp_path, weight):
    path = tmp_path / "a.safetensors"
    tune()
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors[next(name for name in tensors if "lora_down" in name)] = weight
    save_file(tensors, path, metadata)
    with pytest.raises(
        ValueError, match="is broken, delete it or give another name: the weights of .* are no matrices"
    ):
        LoRA.load(path)
