"""The addresses of Redis that the workers take, for the client of the registry."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis.asyncio as redis
from redis.asyncio.sentinel import Sentinel


def connect(url: str) -> Any:
    """`redis://`, `unix://`, `redis+sentinel://host:port,host:port/name`, `redis+cluster://host:port,host:port`."""
    options: dict[str, Any] = {"socket_timeout": 3, "socket_connect_timeout": 3}
    scheme, _, rest = url.partition("://")
    if scheme not in ("redis+sentinel", "redis+cluster"):
        return redis.Redis.from_url(url, **options)
    parts = urlsplit(f"redis://{rest}".replace(",", "%2C"))
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    if login:
        options |= {"username": unquote(user) or None, "password": unquote(password)}
    places = [_place(text, 26379 if scheme == "redis+sentinel" else 6379) for text in hosts.split("%2C")]
    if scheme == "redis+cluster":
        from redis.asyncio.cluster import ClusterNode, RedisCluster

        return RedisCluster(startup_nodes=[ClusterNode(host, port) for host, port in places], **options)
    name, _, database = parts.path.strip("/").partition("/")
    word = dict(parse_qsl(parts.query)).get("sentinel_password")
    sentinels = Sentinel(places, sentinel_kwargs={"socket_timeout": 3, "password": word})
    return sentinels.master_for(unquote(name), db=int(database or 0), **options)


def _place(text: str, port: int) -> tuple[str, int]:
    match = re.fullmatch(r"\[(.+)\](?::(\d+))?|([^:]+)(?::(\d+))?", text)
    if not match:
        raise ValueError("REDIS_URL has a host that cannot be read")
    return match[1] or match[3], int(match[2] or match[4] or port)
