"""The server without a browser: access and disclosed information."""

import builtins
import http.client
import json
import os
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from oasis.errors import ConfigurationError

GIB = 2**30
BOUNDARY = "limit-of-parts"


def request(address: str, method: str, path: str, body=None, headers=None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def upload(address: str, name: str, content: bytes) -> tuple[int, dict[str, str], bytes]:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return request(address, "POST", "/gradio_api/upload", body, headers)


def answer(address: str, elem_id: str, kind: str, fields: list) -> tuple[int, bytes]:
    """What the app answers to an event of a component in the first tab, from a page with these fields."""
    config = json.loads(request(address, "GET", "/config")[2])
    components = {each["props"].get("elem_id"): each for each in config["components"]}
    target, model = [components[elem_id]["id"], kind], components["model"]["props"]["value"]
    event = next(each for each in config["dependencies"] if target in each["targets"])
    call = {"data": [None, model, 0, *fields], "fn_index": event["id"], "session_hash": "stranger"}
    headers = {"Content-Type": "application/json"}
    status, _, text = request(address, "POST", "/gradio_api/queue/join", json.dumps(call), headers)
    if status == 200:
        text += request(address, "GET", "/gradio_api/queue/data?session_hash=stranger")[2]
    return status, text


def alive(address: str) -> bool:
    return request(address, "GET", "/")[0] == 200


def test_page_may_load_nothing_from_elsewhere(address):
    status, headers, _ = request(address, "GET", "/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self' data: blob: 'unsafe-inline'")
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_one_gigabyte_is_refused_unread(address):
    started = time.monotonic()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(GIB)}
    status, _, text = request(address, "POST", "/gradio_api/upload", b"--" + BOUNDARY.encode(), headers)
    assert status == 413
    assert b"takes files up to 1 MiB" in text
    assert time.monotonic() - started < 5
    assert alive(address)


def test_upload_that_never_ends_is_cut_off(address):
    """A gigabyte without a declared length; the server must close the connection long before."""
    host = urlsplit(address)
    sent = 0
    with socket.create_connection((host.hostname, host.port), timeout=20) as connection:
        connection.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=" + BOUNDARY.encode() + b"\r\n\r\n"
        )
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'.encode()
        block = bytes(2**16)
        with suppress(OSError):  # hung up on
            connection.sendall(f"{len(head):x}\r\n".encode() + head + b"\r\n")
            while sent < GIB:
                connection.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")
                sent += len(block)
    assert sent < 64 * 2**20  # the sockets' buffers
    assert alive(address)


def test_file_of_a_little_too_much_is_refused_and_not_kept(address):
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    with suppress(ConnectionError):  # it may have closed before all was sent
        assert upload(address, "large.png", bytes(3 * 2**20))[0] == 413
    assert alive(address)
    assert not [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 2**20]


@pytest.mark.parametrize(
    "name",
    ["../../../../tmp/oasis_escaped.png", "..\\..\\oasis_escaped.png", "/tmp/oasis_escaped.png", "a/../../b.png"],
    ids=["parents", "backslashes", "absolute", "within"],
)
def test_names_of_uploads_lead_nowhere(address, name):
    folder = Path(os.environ["GRADIO_TEMP_DIR"]).resolve()
    status, _, text = upload(address, name, b"content")
    assert not Path("/tmp/oasis_escaped.png").exists()
    assert not list(folder.parent.glob("*escaped*"))
    if status == 200:
        for path in json.loads(text):
            assert Path(path).resolve().is_relative_to(folder)
    assert alive(address)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        str(Path(__file__).resolve()),
        str(Path(__file__).parents[2] / "pyproject.toml"),
        "../../../../../../etc/passwd",
        "..%2f..%2f..%2f..%2fetc%2fpasswd",
        "file:///etc/passwd",
        "http://127.0.0.1:22/",
    ],
    ids=range(7),
)
def test_no_file_of_the_server_is_given_away(address, path):
    for route in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/gradio_api/proxy="):
        status, _, text = request(address, "GET", route + quote(path, safe="/%:."))
        assert status >= 400 or b"root:" not in text
        assert b"[build-system]" not in text
        assert b"what it lets in" not in text
    assert alive(address)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.html", b"<script>alert(1)</script>"),
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    ],
)
def test_uploaded_page_is_never_shown_as_one(address, name, content):
    status, _, text = upload(address, name, content)
    assert status == 200  # any file may be uploaded
    (path,) = json.loads(text)
    status, headers, text = request(address, "GET", f"/gradio_api/file={path}")
    inert = headers.get("content-disposition", "").startswith("attachment") or "html" not in headers["content-type"]
    assert status >= 400 or inert
    assert status >= 400 or b"onload" not in text or headers["content-disposition"].startswith("attachment")


def test_temporary_files_are_gone_when_the_app_ends(pool):
    pytest.importorskip("gradio")
    from oasis.app.server import serving

    before, outer = set(Path(tempfile.gettempdir()).glob("oasis_app_*")), os.environ.get("GRADIO_TEMP_DIR")
    with serving(pool) as url:
        (folder,) = set(Path(tempfile.gettempdir()).glob("oasis_app_*")) - before
        assert upload(url, "a.png", b"content")[0] == 200
        assert [path.name for path in folder.rglob("*.png")] == ["a.png"]
        assert urlsplit(url).hostname == "127.0.0.1"
    assert not folder.exists()
    assert os.environ.get("GRADIO_TEMP_DIR") == outer


def test_password_is_asked_for(pool):
    pytest.importorskip("gradio")
    from oasis.app.server import serving

    with serving(pool, auth=("ada", "s3cret")) as url:
        for path in ("/config", "/gradio_api/info", "/gradio_api/file=/tmp/a.png"):
            assert request(url, "GET", path)[0] == 401
        assert upload(url, "a.png", b"content")[0] == 401
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert request(url, "POST", "/login", "username=ada&password=wrong", form)[0] == 400
        status, headers, _ = request(url, "POST", "/login", "username=ada&password=s3cret", form)
        assert status == 200
        assert "httponly" in headers["set-cookie"].lower()
        cookie = "; ".join(part.split(";")[0] for part in headers["set-cookie"].split(", ") if "token" in part)
        assert request(url, "GET", "/config", headers={"Cookie": cookie})[0] == 200


def test_taken_port_is_named(pool):
    pytest.importorskip("gradio")
    from oasis.app.server import serving

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}.*another --port"),
            serving(pool, port=port),
        ):
            pass


def test_without_gradio_it_says_what_to_install(pool, monkeypatch):
    from oasis.app.server import serving

    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "gradio":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'panoptic-oasis\[app\]'"), serving(pool):
        pass


def test_page_cannot_be_talked_into_reading_other_files(address, tmp_path):
    """A browser may send any path as if it had uploaded that file; only uploaded files are opened."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"the secret")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    status, text = answer(address, "label-file", "upload", [file, None, "", "", ""])
    assert b"process_completed" in text or status >= 400
    assert b'"success":true' not in text.replace(b" ", b"")
    assert b"the secret" not in text
    assert b"secret.png: is no PNG" not in text  # it was not opened


def test_kind_may_be_chosen_before_the_file(address):
    status, text = answer(address, "map-kind", "input", [None, None, "colors", "", ""])
    assert status == 200
    assert b'"success":true' in text.replace(b" ", b"")
