"""Ports that nobody uses."""

from __future__ import annotations

import socket

from schemas.errors import InvalidParameter

_TRIED_PORTS = 50


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            message = f"--host {host} is no address of this machine"
            raise InvalidParameter(message) from None
        except OSError:
            return False
        return True


def free_port(host: str, asked: int | None, preferred: int, avoid: int = 0) -> int:
    """Return the port that was asked for, or else the first free one from the preferred on.

    Parameters
    ----------
    host : str
    asked : int or None
    preferred : int
    avoid : int
        One that is about to be used.

    Raises
    ------
    InvalidParameter
        If it is in use, or none of many is free, or `host` is no address of this machine.
    """
    if asked is not None:
        if not _is_free(host, asked):
            message = f"port {asked} of {host} is in use: choose another with --port, or leave it out"
            raise InvalidParameter(message)
        return asked
    for port in range(preferred, preferred + _TRIED_PORTS):
        if port != avoid and _is_free(host, port):
            return port
    message = (
        f"none of the ports {preferred} to {preferred + _TRIED_PORTS - 1} of {host} is free: choose one with --port"
    )
    raise InvalidParameter(message)
