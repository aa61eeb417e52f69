"""Pictures of phones and browsers, and what others get of them."""

import pytest
from msgspec import UNSET

pyvips = pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")

from chatd.media.inspect import pictures  # noqa: E402
from chatd.media.inspection import Found, Refusal  # noqa: E402
from tests.kit import media_samples as samples  # noqa: E402
from tests.kit.inspecting import Files, inspected  # noqa: E402

FORMS = ("jpeg", "png", "webp", "gif", "avif", "heic")
FAR = 60  # of 255: more than any encoder changes a colour


def look(files, variant="full"):
    return pyvips.Image.new_from_buffer(files.written(variant), "")


def quarters_of(image):
    """The colours in the middles of the quarters, from the upper left on."""
    width, height = image.width, image.height
    places = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [image(x, y)[:3] for x, y in places]


def is_upright(image):
    pairs = zip(quarters_of(image), samples.QUARTERS, strict=True)
    return all(abs(a - b) < FAR for seen, meant in pairs for a, b in zip(seen, meant, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_each_type_becomes_one_that_everybody_shows(tmp_path, form):
    files = Files(tmp_path, samples.picture(form))
    found = inspected(files, "picture")
    assert isinstance(found, Found), found
    facts = found.facts
    assert (facts.kind, facts.width, facts.height) == ("picture", 640, 480)
    assert facts.mime == ("image/png" if form == "gif" else "image/jpeg")
    assert facts.sizes == ["s"]
    assert [one.variant for one in found.written] == ["full", "s"]
    assert (look(files).width, look(files).height) == (640, 480)
    assert (look(files, "s").width, look(files, "s").height) == (320, 240)
    assert is_upright(look(files))
    assert is_upright(look(files, "s"))
    assert len(facts.preview) >= 28
    assert files.written("m") == b""


@pytest.mark.parametrize("orientation", samples.TURNED_BY)
def test_a_photograph_is_upright_and_says_no_place(tmp_path, orientation):
    content = samples.photograph(orientation)
    assert samples.SECRET in content
    files = Files(tmp_path, content)
    found = inspected(files, "picture")
    assert (found.facts.width, found.facts.height) == (640, 480)
    for variant in ("full", "s"):
        assert is_upright(look(files, variant))
        assert samples.SECRET not in files.written(variant)
        assert b"Exif" not in files.written(variant)
    assert "orientation" not in look(files).get_fields()


def test_a_heic_says_no_place_either(tmp_path):
    content = samples.picture("heic")
    assert samples.SECRET in content
    files = Files(tmp_path, content)
    inspected(files, "picture")
    assert samples.SECRET not in files.written()


def test_a_large_picture_has_three_sizes(tmp_path):
    files = Files(tmp_path, samples.picture("jpeg", 4000, 3000))
    found = inspected(files, "picture")
    assert (found.facts.width, found.facts.height, found.facts.sizes) == (2048, 1536, ["m", "s"])
    assert [look(files, variant).width for variant in ("full", "m", "s")] == [2048, 1280, 320]


def test_a_small_picture_has_one_size(tmp_path):
    files = Files(tmp_path, samples.picture("jpeg", 64, 48))
    assert inspected(files, "picture").facts.sizes is UNSET


@pytest.mark.parametrize(
    ("kind", "purpose", "side"),
    [("sticker", "message", 512), ("picture", "avatar", 1024), ("picture", "cover", 2048)],
)
def test_what_a_picture_is_for_says_how_large_it_is(tmp_path, kind, purpose, side):
    files = Files(tmp_path, samples.picture("jpeg", 3000, 3000))
    found = inspected(files, kind, purpose)
    assert (found.facts.kind, found.facts.width, found.facts.height) == (kind, side, side)


@pytest.mark.parametrize(
    ("form", "mime"), [("png", "image/png"), ("webp", "image/webp"), ("heic", "image/webp")]
)
def test_transparency_is_kept(tmp_path, form, mime):
    files = Files(tmp_path, samples.with_alpha(form))
    found = inspected(files, "picture")
    assert found.facts.mime == mime
    image = look(files)
    assert image.hasalpha()
    assert image(10, 100)[3] < FAR < 255 - FAR < image(290, 100)[3]


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_an_animation_moves(tmp_path, form):
    files = Files(tmp_path, samples.animation(form, width=400, height=200))
    found = inspected(files, "picture")
    assert (found.facts.mime, found.facts.width, found.facts.height) == ("image/webp", 400, 200)
    image = look(files)
    assert (image.get("n-pages"), image.get("delay")[0]) == (10, 50)
    assert found.facts.sizes == ["s"]
    assert look(files, "s").width == 320


def test_a_long_animation_is_made_smaller_and_a_longer_one_stands_still(tmp_path, monkeypatch):
    files = Files(tmp_path, samples.animation("gif", frames=10, width=200, height=100))
    monkeypatch.setattr(pictures, "ANIMATION_PX_MAX", 50_000)
    found = inspected(files, "picture")
    assert look(files).get("n-pages") == 10
    assert 40_000 < found.facts.width * found.facts.height * 10 <= 50_000
    monkeypatch.setattr(pictures, "ANIMATION_READ_PX_MAX", 199_999)
    found = inspected(files, "picture")
    assert (found.facts.mime, found.facts.width, found.facts.height) == ("image/png", 200, 100)


def test_an_avatar_does_not_move(tmp_path):
    files = Files(tmp_path, samples.animation("gif"))
    found = inspected(files, "picture", "avatar")
    assert found.facts.mime == "image/png"


def test_colours_of_another_space_become_those_of_screens(tmp_path):
    """Phones take pictures in Display P3, printers want CMYK."""
    wide = samples.quarters(64, 64).icc_transform("p3", input_profile="srgb")
    printed = samples.quarters(64, 64).icc_transform("cmyk", input_profile="srgb")
    for image in (wide, printed):
        files = Files(tmp_path, bytes(image.jpegsave_buffer(Q=95)))
        found = inspected(files, "picture")
        assert isinstance(found, Found)
        shown = look(files)
        assert "icc-profile-data" not in shown.get_fields()
        assert (shown.bands, shown.interpretation) == (3, "srgb")
        # What a printer cannot print is changed by more.
        assert image is printed or is_upright(shown)


def test_a_broken_profile_is_passed_over(tmp_path):
    image = samples.quarters(64, 64)
    for profile in (b"", b"x" * 500, bytes(pyvips.Image.profile_load("p3"))[:300]):
        if profile:
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        files = Files(tmp_path, bytes(image.jpegsave_buffer()))
        assert isinstance(inspected(files, "picture"), Found)
        assert is_upright(look(files))


def test_a_picture_of_sixteen_bits_has_eight(tmp_path):
    deep = (samples.quarters(64, 64).cast("ushort") * 257).copy(interpretation="rgb16").cast("ushort")
    files = Files(tmp_path, bytes(deep.pngsave_buffer()))
    assert isinstance(inspected(files, "picture"), Found)
    assert is_upright(look(files))


def test_grey_is_a_picture_too(tmp_path):
    for form in ("jpeg", "heic"):
        grey = samples.quarters(64, 64).colourspace("b-w")
        files = Files(tmp_path, samples.heic(grey) if form == "heic" else bytes(grey.jpegsave_buffer()))
        assert isinstance(inspected(files, "picture"), Found)
        assert abs(look(files)(16, 48)[0] - grey(16, 48)[0]) < FAR


@pytest.mark.parametrize("form", FORMS)
def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(tmp_path, form):
    files = Files(tmp_path, samples.picture(form, 640, 480))
    refusal = inspected(files, "picture", pixels_max=640 * 480 - 1)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "too_large"


def test_a_sticker_that_moves_too_much_is_refused(tmp_path):
    noise = [pyvips.Image.gaussnoise(512, 512, mean=128, sigma=90, seed=seed) for seed in range(4)]
    joined = pyvips.Image.arrayjoin(noise, across=1).cast("uchar").colourspace("srgb").copy_memory()
    joined.set_type(pyvips.GValue.gint_type, "page-height", 512)
    files = Files(tmp_path, bytes(joined.webpsave_buffer(effort=0)))
    refusal = inspected(files, "sticker")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "too_large"
