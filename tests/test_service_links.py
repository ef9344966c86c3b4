"""Links to services: all that Kubernetes and Docker make, and nothing that somebody may have misspelt."""

import pytest

from dropcast.service_links import is_service_link
from dropcast.settings import NAMES, variable_of

SERVICES = ["DROPCAST", "DROPCAST_VALKEY", "DROPCAST_API_V2"]


def kubernetes(service: str, host: str, port: int, protocol: str, port_name: str) -> dict[str, str]:
    """Return what the kubelet makes of a service with one port."""
    address = f"[{host}]" if ":" in host else host
    prefix = f"{service}_PORT_{port}_{protocol.upper()}"
    return {
        f"{service}_SERVICE_HOST": host,
        f"{service}_SERVICE_PORT": str(port),
        f"{service}_SERVICE_PORT_{port_name}": str(port),
        f"{service}_PORT": f"{protocol}://{address}:{port}",
        prefix: f"{protocol}://{address}:{port}",
        f"{prefix}_PROTO": protocol,
        f"{prefix}_PORT": str(port),
        f"{prefix}_ADDR": host,
    }


def docker(alias: str) -> dict[str, str]:
    """Return what Docker makes of a link to a container with the ports 6379 to 6380."""
    first, last = f"{alias}_PORT_6379_TCP", f"{alias}_PORT_6380_TCP"
    return {
        f"{alias}_NAME": "/web/engine",
        f"{alias}_PORT": "tcp://172.17.0.5:6379",
        f"{first}_START": "tcp://172.17.0.5:6379",
        f"{first}_PORT_START": "6379",
        f"{first}_END": "tcp://172.17.0.5:6380",
        f"{first}_PORT_END": "6380",
        last: "tcp://172.17.0.5:6380",
        f"{last}_ADDR": "172.17.0.5",
        f"{alias}_ENV_VALKEY_VERSION": "8.1",
        f"{alias}_ENV_EMPTY": "",
    }


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("host", "protocol"), [("10.0.0.7", "tcp"), ("fd00::7", "tcp"), ("10.0.0.7", "udp"), ("10.0.0.7", "sctp")]
)
def test_what_kubernetes_makes_is_a_link(service: str, host: str, protocol: str) -> None:
    environ = kubernetes(service, host, 8470, protocol, "HTTP_API")
    assert [variable for variable in environ if not is_service_link(variable, environ)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_docker_makes_is_a_link(service: str) -> None:
    environ = docker(service)
    assert [variable for variable in environ if not is_service_link(variable, environ)] == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DROPCAST_PORT", "8470"),
        ("DROPCAST_PORT", "tcp://10.0.0.7"),
        ("DROPCAST_PORT", "http://10.0.0.7:8470"),
        ("DROPCAST_METRICS_PORT", "9090"),
        ("DROPCAST_SERVICE_HOST", "shop.example"),
        ("DROPCAST_SERVICE_PORT", "http"),
        ("DROPCAST_PORT_8470_TCP_PROTO", "http"),
        ("DROPCAST_PORTS", "tcp://10.0.0.7:8470"),
        ("DROPCAST_NAME", "shop"),
        ("DROPCAST_ENV_HOST", "10.0.0.7"),
    ],
)
def test_a_name_or_a_value_of_another_form_is_none(variable: str, value: str) -> None:
    assert not is_service_link(variable, {variable: value})


def test_no_setting_can_be_taken_for_a_link_by_a_value_of_its_own() -> None:
    values = ["8470", "10.0.0.7", "tcp", "true", "/a/b", "redis://10.0.0.7:6379"]
    taken = [
        name
        for name in NAMES
        for value in values
        if is_service_link(variable_of(name), {variable_of(name): value})
    ]
    assert taken == []
