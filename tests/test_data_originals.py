"""Original files: read by index in the same order, shape and dtype; refused in one sentence."""

import contextlib
import errno
import functools
import hashlib
import http.server
import multiprocessing
import os
import resource
import shutil
import ssl
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from wdlib.data import dsprites, load, shapes3d
from wdlib.data.arrays import read_npy, read_npz
from wdlib.data.originals import Original
from wdlib.factors import FactorSpace

# The originals in miniature: the same factors with fewer values.
SPRITES = FactorSpace(("color", "shape", "x"), ((1.0,), ("square", "heart"), tuple(range(50))))
ROOMS = FactorSpace(("hue", "shape"), (tuple(np.linspace(0, 0.9, 10)), ("cube", "ball")))
GENERATOR = np.random.default_rng(0)
SPRITE_IMAGES = (GENERATOR.random((100, 64, 64)) < 0.3).astype(np.uint8)
ROOM_IMAGES = GENERATOR.integers(256, size=(20, 64, 64, 3), dtype=np.uint8)


def all_classes(space):
    return space.classes(np.arange(len(space)))


def npz(path, **changes):
    """A small dSprites npz with a pickled metadata object, as the original has."""
    arrays = {
        "metadata": np.array({"title": "never unpickled"}, dtype=object),
        "imgs": SPRITE_IMAGES,
        "latents_classes": all_classes(SPRITES),
    }
    arrays = {key: value for key, value in (arrays | changes).items() if value is not None}
    np.savez_compressed(path, **arrays)
    return path


def hdf5(path, **changes):
    arrays = {"imgs": SPRITE_IMAGES, "latents/classes": all_classes(SPRITES)} | changes
    return write_h5(path, arrays, chunks={"imgs": (30, 8, 16)})


def rooms(path, chunks=(3, 64, 64, 3), **changes):
    hue, shape = all_classes(ROOMS).T
    arrays = {"images": ROOM_IMAGES, "labels": np.stack([hue / 10, shape.astype(float)], 1)}
    return write_h5(path, arrays | changes, chunks={"images": chunks})


def write_h5(path, arrays, chunks):
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            if value is not None:
                file.create_dataset(key, data=value, chunks=chunks.get(key))
    return path


@pytest.mark.parametrize(("write", "name"), [(npz, "d.npz"), (hdf5, "d.hdf5"), (hdf5, "d.h5")])
@pytest.mark.parametrize("block", [7, 8192])
def test_dsprites_come_back_in_any_order(tmp_path, monkeypatch, write, name, block):
    monkeypatch.setattr(dsprites, "BLOCK", block)
    read = dsprites.reader(write(tmp_path / name), tmp_path / "cache", SPRITES)
    numbers = np.array([99, 0, 42, 42, 7])
    images = read(SPRITES.classes(numbers))
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, SPRITE_IMAGES[numbers])


@pytest.mark.parametrize("write", [npz, hdf5])
def test_a_large_file_streams_in_blocks(tmp_path, monkeypatch, write):
    """61 MB of pixels pass through blocks of 4 MB."""
    monkeypatch.setattr(dsprites, "BLOCK", 1024)
    space = FactorSpace(("shape", "x"), (tuple(range(100)), tuple(range(150))))
    names = ("imgs", "latents_classes" if write is npz else "latents/classes")
    arrays = np.zeros((len(space), 64, 64), np.uint8), all_classes(space)
    path = write(tmp_path / f"a.{write.__name__}", **dict(zip(names, arrays)))
    del arrays
    tracemalloc.start()
    read = dsprites.reader(path, tmp_path / "cache", space)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6 and read(space.classes([14_999])).shape == (1, 64, 64)


def test_the_cache_holds_one_bit_a_pixel_and_serves_the_next_time(tmp_path, monkeypatch):
    path, cache = npz(tmp_path / "d.npz"), tmp_path / "cache"
    dsprites.reader(path, cache, SPRITES)
    (file,) = cache.iterdir()
    assert file.stat().st_size == 100 * 64 * 64 // 8 + 32  # and a digest
    monkeypatch.setattr(dsprites, "_fill", None)  # a second filling would fail
    read = dsprites.reader(path, cache, SPRITES)
    np.testing.assert_array_equal(read(all_classes(SPRITES)), SPRITE_IMAGES)


@pytest.mark.parametrize("length", [0, 100 * 512 - 1, 100 * 512 + 1])
def test_a_cache_of_another_length_is_filled_again(tmp_path, length):
    path, cache = npz(tmp_path / "d.npz"), tmp_path / "cache"
    dsprites.reader(path, cache, SPRITES)
    (file,) = cache.iterdir()
    with file.open("r+b") as damaged:
        damaged.truncate(length)
    read = dsprites.reader(path, cache, SPRITES)
    np.testing.assert_array_equal(read(all_classes(SPRITES)), SPRITE_IMAGES)


@pytest.mark.parametrize("at", [0, 50 * 512, -33, -32, -1])
def test_a_cache_with_a_flipped_bit_is_filled_again(tmp_path, at):
    path, cache = npz(tmp_path / "d.npz"), tmp_path / "cache"
    dsprites.reader(path, cache, SPRITES)
    (file,) = cache.iterdir()
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    read = dsprites.reader(path, cache, SPRITES)
    np.testing.assert_array_equal(read(all_classes(SPRITES)), SPRITE_IMAGES)
    content[at] ^= 1
    assert file.read_bytes() == content


def test_a_process_reads_a_cache_through_once(tmp_path):
    path, cache = npz(tmp_path / "d.npz"), tmp_path / "cache"
    dsprites.reader(path, cache, SPRITES)
    before = dsprites._matches.cache_info().misses
    for _ in range(3):
        dsprites.reader(path, cache, SPRITES)
    assert dsprites._matches.cache_info().misses == before + 1


def test_a_moved_copy_shares_the_cache(tmp_path, monkeypatch):
    path, cache = npz(tmp_path / "d.npz"), tmp_path / "cache"
    dsprites.reader(path, cache, SPRITES)
    monkeypatch.setattr(dsprites, "_fill", None)  # a second filling would fail
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "elsewhere" / "other name.npz"
    copy.parent.mkdir()
    shutil.copyfile(path, copy)  # it is newer
    for same in (Path("d.npz"), copy):
        read = dsprites.reader(same, cache, SPRITES)
        np.testing.assert_array_equal(read(all_classes(SPRITES)), SPRITE_IMAGES)


def test_a_cache_that_cannot_be_written_says_where_else_it_may_be(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "cache")

    monkeypatch.setattr(Path, "mkdir", refused)
    said = "d.npz is read through a cache.*/cache .Permission denied.: give another folder as root"
    with pytest.raises(PermissionError, match=said):
        dsprites.reader(npz(tmp_path / "d.npz"), tmp_path / "cache", SPRITES)


def test_another_file_at_the_same_place_is_read_anew(tmp_path):
    cache = tmp_path / "cache"
    dsprites.reader(npz(tmp_path / "d.npz"), cache, SPRITES)
    path = npz(tmp_path / "d.npz", imgs=1 - SPRITE_IMAGES)
    read = dsprites.reader(path, cache, SPRITES)
    np.testing.assert_array_equal(read(all_classes(SPRITES)), 1 - SPRITE_IMAGES)


def cut(path):
    """The file without its last third."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def spoiled(path):
    """The file with bytes changed in its middle, where compressed pixels lie."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    path.write_bytes(content)
    return path


def moved(path, name):
    return path.rename(path.parent / name)


def text(path):
    path.write_text("<!DOCTYPE html>")
    return path


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda d: cut(npz(d / "a.npz")), "a.npz is damaged or cut short: File is not a zip"),
        (lambda d: spoiled(npz(d / "a.npz")), "a.npz is damaged or cut short"),
        (lambda d: cut(hdf5(d / "a.hdf5")), "a.hdf5 is damaged or cut short.*truncated file"),
        (
            lambda d: moved(hdf5(d / "a.h5"), "b.npz"),
            "b.npz is an HDF5 file, but an npz",
        ),
        (
            lambda d: moved(npz(d / "a.npz"), "b.h5"),
            "b.h5 is an npz archive, but an HDF5",
        ),
        (lambda d: text(d / "a.npz"), "a.npz is not an npz archive: it begins with b'<!DOCTYP'"),
        (lambda d: text(d / "a.txt"), "a.txt should end in .npz, .hdf5, .h5"),
        (lambda d: npz(d / "a.npz", imgs=None), "lacks the array 'imgs'; it holds latents_c"),
        (lambda d: hdf5(d / "a.h5", imgs=None), "lacks the array 'imgs'; it holds latents"),
        (lambda d: npz(d / "a.npz", latents_classes=None), "lacks the array 'latents_classes'"),
        (
            lambda d: npz(d / "a.npz", imgs=SPRITE_IMAGES[:50]),
            r"imgs should have shape \(100, 64, 64\) and dtype uint8, but has shape \(50, 64, 64\)",
        ),
        (lambda d: npz(d / "a.npz", imgs=SPRITE_IMAGES * 1.0), "dtype uint8, but .* float64"),
        (
            lambda d: npz(d / "a.npz", imgs=np.array({}, object)),
            "imgs holds object, but only numbers",
        ),
        (
            lambda d: hdf5(d / "a.h5", imgs=SPRITE_IMAGES[:, :32]),
            r"has shape \(100, 32, 64\)",
        ),
        (lambda d: npz(d / "a.npz", imgs=SPRITE_IMAGES * 255), "values up to 255, but .* 0 or 1"),
        (
            lambda d: npz(d / "a.npz", latents_classes=all_classes(SPRITES)[::-1]),
            "latents_classes is not in the published order",
        ),
        (
            lambda d: npz(d / "a.npz", imgs=np.asfortranarray(SPRITE_IMAGES)),
            "imgs is stored column by column",
        ),
    ],
)
def test_what_is_not_dsprites_is_refused_and_leaves_no_cache(tmp_path, write, said):
    path, cache = write(tmp_path), tmp_path / "cache"
    with pytest.raises(ValueError, match=said) as refusal:
        dsprites.reader(path, cache, SPRITES)
    assert str(path) in str(refusal.value)
    assert not cache.exists() or not list(cache.iterdir())


@pytest.mark.parametrize("chunks", [None, (1, 64, 64, 3), (3, 64, 64, 3), (15, 16, 8, 1)])
def test_rooms_come_back_in_any_order(tmp_path, chunks):
    read = shapes3d.reader(rooms(tmp_path / "3dshapes.h5", chunks), ROOMS)
    for numbers in ([19, 0, 7, 7, 3], [5], [], range(20)):
        numbers = np.array(numbers, int)
        images = read(ROOMS.classes(numbers))
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, ROOM_IMAGES[numbers])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda d: cut(rooms(d / "a.h5")), "a.h5 is damaged or cut short"),
        (lambda d: npz(d / "a.npz"), "an npz archive, but 3D Shapes is published as 3dshapes.h5"),
        (lambda d: moved(npz(d / "a.npz"), "a.h5"), "a.h5 is an npz archive, but an HDF5"),
        (lambda d: hdf5(d / "a.h5"), "lacks the array 'images'; it holds imgs, lat"),
        (lambda d: rooms(d / "a.h5", labels=None), "lacks the array 'labels'; it holds images"),
        (lambda d: rooms(d / "a.h5", images=ROOM_IMAGES[:9]), r"but has shape \(9, 64, 64, 3\)"),
        (lambda d: rooms(d / "a.h5", images=ROOM_IMAGES / 255), "dtype uint8, but .* float64"),
        (lambda d: rooms(d / "a.h5", labels=np.zeros((20, 2))), "labels is not in the published"),
    ],
)
def test_what_is_not_3d_shapes_is_refused(tmp_path, write, said):
    path = write(tmp_path)
    with pytest.raises(ValueError, match=said) as refusal:
        shapes3d.reader(path, ROOMS)
    assert str(path) in str(refusal.value)


def read_either(path):
    return dsprites.reader(path, path.parent / "cache", SPRITES)(all_classes(SPRITES))


def test_a_file_that_another_program_writes_is_locked_not_damaged(tmp_path):
    path = rooms(tmp_path / "a.h5")
    program = (
        "import h5py, sys; f = h5py.File(sys.argv[1], 'a'); print('open', flush=True); input()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout.readline() == b"open\n"
    try:
        with pytest.raises(OSError, match="a.h5 is locked: another program is writing it; close"):
            shapes3d.reader(path, ROOMS)
    finally:
        writer.communicate(b"\n")
    assert shapes3d.reader(path, ROOMS)(all_classes(ROOMS)).shape == ROOM_IMAGES.shape


@contextlib.contextmanager
def no_more_files():
    """This process has as many open files as it may."""
    limits, held = resource.getrlimit(resource.RLIMIT_NOFILE), []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_too_many_open_files_are_not_damage(tmp_path):
    sprites, file = npz(tmp_path / "a.npz"), rooms(tmp_path / "a.h5")
    shapes3d.reader(file, ROOMS)  # what is imported late is in memory now
    said = "could not be opened: this process has too many open files; close some"
    with no_more_files():
        for read in (read_either, lambda path: read_npz(path, ["imgs"])):
            with pytest.raises(OSError, match=f"a.npz {said}"):
                read(sprites)
        with pytest.raises(OSError, match=f"a.h5 {said}"):
            shapes3d.reader(file, ROOMS)
    assert read_either(sprites).shape == SPRITE_IMAGES.shape


def test_a_folder_is_not_a_damaged_file(tmp_path):
    for read in (read_npy, lambda path: read_npz(path, ["a"])):
        with pytest.raises(OSError, match=f"{tmp_path} is a folder; give the path of a file in it"):
            read(tmp_path)


def test_an_npz_may_name_its_arrays_without_npy(tmp_path):
    path = npz(tmp_path / "a.npz")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "b.npz", "w") as bare:
        for name in archive.namelist():
            bare.writestr(name.removesuffix(".npy"), archive.read(name))
    np.testing.assert_array_equal(read_either(tmp_path / "b.npz"), SPRITE_IMAGES)
    np.testing.assert_array_equal(*read_npz(tmp_path / "b.npz", ["imgs"]), SPRITE_IMAGES)


@pytest.mark.parametrize("write", [npz, hdf5])
def test_a_folder_s_name_need_not_be_utf_8(tmp_path, write):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    np.testing.assert_array_equal(read_either(write(folder / f"a.{write.__name__}")), SPRITE_IMAGES)


def test_a_forked_process_opens_its_own_handle(tmp_path):
    read = shapes3d.reader(rooms(tmp_path / "3dshapes.h5"), ROOMS)
    read(all_classes(ROOMS))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        parts = pool.map(read, np.split(all_classes(ROOMS), 4))
    np.testing.assert_array_equal(np.concatenate(parts), ROOM_IMAGES)


def test_a_file_put_right_is_read_by_the_same_process(tmp_path):
    path = rooms(tmp_path / "3dshapes.h5", labels=np.zeros((20, 2)))
    with pytest.raises(ValueError, match="published order"):
        shapes3d.reader(path, ROOMS)
    rooms(tmp_path / "fresh.h5").replace(path)
    read = shapes3d.reader(path, ROOMS)
    np.testing.assert_array_equal(read(all_classes(ROOMS)), ROOM_IMAGES)


@pytest.fixture
def full_size(tmp_path):
    """A file of 3D Shapes' full size, in which only images 5 and 479999 are not black."""
    path = tmp_path / "3dshapes.h5"
    space = shapes3d.SHAPES3D
    values = [range(4) if isinstance(v[0], str) else v for v in space.values]
    classes = all_classes(space)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (480000, 64, 64, 3), "uint8", chunks=(1, 64, 64, 3))
        images[5], images[479999] = 50, 99
        labels = [np.array(v, float)[c] for v, c in zip(values, classes.T, strict=True)]
        file["labels"] = np.stack(labels, 1)
    return path


def test_load_reads_the_original_where_it_is(tmp_path, monkeypatch, full_size):
    by_path = load("shapes3d", full_size)
    assert by_path.source == str(full_size) and by_path.shape == (64, 64, 3)
    assert by_path[[479999, 4, 5]].mean((1, 2, 3)).tolist() == [99, 0, 50]
    assert load("shapes3d", tmp_path).source == str(full_size)  # the folder that holds it
    monkeypatch.setenv("WDLIB_DATA", str(tmp_path))
    assert load("shapes3d").source == str(full_size)
    assert load("dsprites").source == "drawn"  # the folder has no dSprites
    monkeypatch.chdir(tmp_path)
    moved = load("shapes3d", shutil.copyfile(full_size, "copy.h5"))
    assert load("shapes3d", "3dshapes.h5").identity == by_path.identity == moved.identity
    digest = hashlib.sha256(full_size.read_bytes()).hexdigest()
    assert moved.identity == f"SHA-256 {digest[:16]}..."
    with h5py.File("copy.h5", "r+") as file:
        file["images"][7] = 1
    assert load("shapes3d", "copy.h5").identity != by_path.identity


def test_places_that_do_not_exist_are_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no file or folder .*nowhere.npz"):
        load("dsprites", tmp_path / "nowhere.npz")
    with pytest.raises(FileNotFoundError, match="holds no dsprites.*hdf5 and no dsprites.*npz"):
        load("dsprites", tmp_path)
    monkeypatch.setenv("WDLIB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere \(from WDLIB_DATA\)"):
        load("dsprites")


CERTIFICATE = Path(__file__).parent / "localhost.pem"  # made for these tests; it guards nothing


class Served:
    """A folder behind https on this machine: its address, what was asked for, and its moods.

    Args:
        cut: so many answers break off half-way before whole ones come.
        to: every request is redirected there.
    """

    def __init__(self, folder):
        self.folder, self.asked, self.cut, self.to = folder, [], 0, ""
        served = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                served.asked.append(self.path)
                if served.to:
                    self.send_response(302)
                    self.send_header("Location", served.to)
                    self.end_headers()
                elif served.cut:
                    served.cut -= 1
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b"half of it")
                else:
                    super().do_GET()

            def log_message(self, *args):
                pass

        handler = functools.partial(Handler, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)


@contextlib.contextmanager
def serving(folder, scheme):
    folder.mkdir()
    served = Served(folder)
    served.address = f"{scheme}://127.0.0.1:{served.server.server_port}"
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        served.server.socket = context.wrap_socket(served.server.socket, server_side=True)
    with served.server:
        threading.Thread(target=served.server.serve_forever, daemon=True).start()
        yield served
        served.server.shutdown()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A server whose certificate is trusted here, through the setting that anyone's proxy uses."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)
    with serving(tmp_path / "served", "https") as server:
        (server.folder / "a.h5").write_bytes(b"content")
        yield server


def published(address, content=b"content"):
    return Original(("a.h5",), f"{address}/a.h5", hashlib.md5(content).hexdigest())


def test_a_file_is_fetched_once_and_checked(tmp_path, served):
    for _ in range(2):
        fetched = published(served.address).fetch(tmp_path / "root")
        assert fetched.read_bytes() == b"content"
    assert served.asked == ["/a.h5"]


def test_a_file_with_another_checksum_is_not_kept(tmp_path, served):
    (served.folder / "a.h5").write_bytes(b"tampered")
    with pytest.raises(
        ValueError,
        match=r"MD5 hash of downloaded file \(a.h5\) .* expected md5:9a0364b9",
    ):
        published(served.address).fetch(tmp_path / "root")
    assert not list((tmp_path / "root").iterdir())


def test_a_file_that_was_there_stays_when_a_download_fails(tmp_path, served):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.h5").write_bytes(b"of another day")
    with pytest.raises(ValueError, match="does not match the known hash"):
        published(served.address, b"neither").fetch(tmp_path / "root")
    (left,) = (tmp_path / "root").iterdir()
    assert left.read_bytes() == b"of another day"


def test_a_file_that_does_not_arrive_is_named(tmp_path, served):
    original = Original(("a.h5",), f"{served.address}/missing.h5", "0" * 32)
    with pytest.raises(ConnectionError, match="a.h5 could not be downloaded from .*missing.h5"):
        original.fetch(tmp_path / "root")


ATTEMPTS = 3


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_download_that_breaks_off_is_tried_again(tmp_path, served, cut):
    served.cut = cut
    original = published(served.address)
    if cut < ATTEMPTS:
        assert original.fetch(tmp_path / "root").read_bytes() == b"content"
    else:
        with pytest.raises(ConnectionError, match="a.h5 could not be downloaded"):
            original.fetch(tmp_path / "root")
        assert not list((tmp_path / "root").iterdir())
    assert len(served.asked) == min(cut + 1, ATTEMPTS)


def test_a_full_disk_is_not_taken_for_the_network(tmp_path, served, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.move", full)
    with pytest.raises(OSError, match="No space left") as refusal:
        published(served.address).fetch(tmp_path / "root")
    assert not isinstance(refusal.value, ConnectionError) and served.asked == ["/a.h5"]
    assert not list((tmp_path / "root").iterdir())


def test_no_step_of_a_download_leaves_https(tmp_path, served):
    with serving(tmp_path / "plain", "http") as plain:
        (plain.folder / "a.h5").write_bytes(b"content")
        with pytest.raises(ValueError, match="only downloaded over https, not from http://127"):
            published(plain.address).fetch(tmp_path / "root")
        for to in (f"{plain.address}/a.h5", "ftp://127.0.0.1/a.h5", "file:///etc/hostname"):
            served.to = to
            with pytest.raises(ConnectionError, match=f"redirects to {to}, which is not https"):
                published(served.address).fetch(tmp_path / "root")
        assert plain.asked == []


def test_a_server_that_nobody_vouches_for_is_not_believed(tmp_path, served, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(ConnectionError, match="a.h5 could not be downloaded.*[cC]ertificate"):
        published(served.address).fetch(tmp_path / "root")
    assert served.asked == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "dsprites.npz")
    with pytest.raises(ValueError, match="dsprites.npz is neither a file nor a folder"):
        load("dsprites", tmp_path / "dsprites.npz")


@pytest.mark.parametrize("original", [dsprites.ORIGINAL, shapes3d.ORIGINAL])
def test_the_published_files_are_fetched_over_https(original):
    assert original.url.startswith("https://") and original.url.endswith(original.files[0])
    assert len(original.md5) == 32
