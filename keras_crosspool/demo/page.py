"""The demo's page, made and served by Gradio, which is imported when it is needed."""

import contextlib
import importlib.util
import logging as standard_logging
import os
import socket

from absl import logging

from keras_crosspool.data.image_error import ImageError
from keras_crosspool.mains import as_flags

_LOOPBACK = ("127.", "::1", "localhost")
# Whole captions and all nearest images at once. On a phone two of them stand in a row, and the heat
# maps are as high as elsewhere and scroll sideways.
_CSS = """
#nearest .grid-wrap { max-height: none; }
#nearest .caption-label { max-width: 100%; white-space: normal; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  #nearest .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #heat .image-container { overflow-x: auto; }
  #heat .image-container > button, #heat img { width: 60rem; max-width: none; }
}
"""


def prepare_gradio(folder):
    """Sets Gradio such that it tells nobody anything, before it is imported.

    Args:
        folder: path of the folder for the images that it is given; remove it at the end.

    Raises:
        ImportError: if it is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise ImportError(
            "Gradio, which shows the page, is not installed: run `pip install "
            "keras_crosspool[demo]`. Received: no package gradio"
        )
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"  # Gradio imports the hub's client
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    standard_logging.getLogger("httpx").setLevel("WARNING")  # it logs that Gradio asks the page


def check_address(host, port):
    """Refuses an address that cannot be listened on, before anything is computed.

    Logs a warning where other machines can reach it.

    Args:
        host: str.
        port: int.

    Raises:
        ValueError: if there is no such host here, or the port is taken.
    """
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
    except OSError as error:
        raise ValueError(
            f"The page cannot be served there ({error.strerror}): name another `port`, or as "
            f"`host` an address of this machine. Received: {host}:{port}"
        ) from error
    if not host.startswith(_LOOPBACK):
        logging.warning("whoever reaches %s can use the page: it asks for no password", host)


def build_page(answerer, note=None):
    """Builds the page: an image goes in, and what the model says of it is shown.

    Args:
        answerer: `Answerer`.
        note: str, why there is no gallery. Defaults to `None`, a gallery is shown.

    Returns:
        `gradio.Blocks`.
    """
    import gradio as gr

    metadata = answerer.metadata
    with gr.Blocks(title="keras_crosspool", analytics_enabled=False) as page:
        gr.Markdown(f"## {metadata.name}, {len(metadata.class_names)} classes")
        with gr.Row():
            image = gr.Image(
                label="Image", sources=["upload", "webcam", "clipboard"], type="filepath"
            )
            with gr.Column():
                sentence = gr.Textbox(label="Answer", lines=2)
                classes = gr.Label(label="Probabilities", show_heading=False)
                speed = gr.Textbox(label="Time of the network")
        gr.Markdown("What each position adds to the score of the best class and of the runner-up")
        where = gr.Image(
            elem_id="heat", show_label=False, interactive=False, buttons=["fullscreen"]
        )
        similar = gr.Gallery(
            elem_id="nearest",
            label="Nearest images",
            columns=4,
            interactive=False,
            buttons=["fullscreen"],
            visible=not note,
        )
        if note:
            gr.Textbox(note, label="Nearest images")
        image.change(
            lambda file: _shown(answerer, file),
            image,
            [sentence, classes, speed, where, similar],
            preprocess=False,  # the file as it is; the model's own reader decodes it
            api_name="answer",
        )
    return page


def _shown(answerer, file):
    """What the components get for an uploaded file."""
    if file is None:
        return _words("")
    if not file["path"]:  # by the API alone, where the image stands in the request itself
        return _words("The image must be an uploaded file. Received: none")
    try:
        answer = answerer.answer(file["path"], file["orig_name"] or "the image")
    except ImageError as error:
        return _words(as_flags(str(error)))
    return (
        answer.sentence(),
        answer.probabilities() or None,
        f"{answer.milliseconds:.0f} ms",
        answer.explanation,
        [(each.image, each.caption()) for each in answer.similar],
    )


def _words(sentence):
    """What the components get where a sentence is all there is."""
    return sentence, None, None, None, []


@contextlib.contextmanager
def served(page, host, port):
    """A context in which a page is served, to this machine alone unless `host` says otherwise.

    Args:
        page: `gradio.Blocks`.
        host: str.
        port: int.

    Yields:
        str, the address to open in a browser.
    """
    import gradio as gr

    page.launch(
        server_name=host,
        server_port=port,
        share=False,
        prevent_thread_lock=True,
        quiet=True,
        footer_links=[],
        ssr_mode=False,
        css=_CSS,
        theme=gr.themes.Default(font="sans-serif", font_mono="monospace"),
    )
    try:
        yield page.local_url
    finally:
        page.close(verbose=False)
