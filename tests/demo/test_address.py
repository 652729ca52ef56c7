"""Where the demo is served: refused before anything is computed."""

import socket

import pytest

from keras_crosspool.demo.page import check_address


def test_a_free_port_of_this_machine():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    check_address("127.0.0.1", port)


def test_a_port_that_is_taken(tried):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ValueError, match=rf"another `port`.*Received: 127\.0\.0\.1:{port}$"
        ) as e:
            check_address("127.0.0.1", port)
    tried("demo", "a port that is taken", e.value)


@pytest.mark.parametrize("host", ["203.0.113.7", "no host"])
def test_a_host_that_is_not_this_machine(host, tried):
    with pytest.raises(
        ValueError, match=rf"an address of this machine.*Received: {host}:7860$"
    ) as e:
        check_address(host, 7860)
    tried("demo", f"the host {host}", e.value)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_warning_where_others_can_reach_it(host, warned, caplog):
    check_address(host, 0)
    assert ("whoever reaches 0.0.0.0 can use the page" in caplog.text) == warned
