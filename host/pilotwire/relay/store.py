"""Where files go: a directory or an object store, by URL. What is there is never overwritten."""

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, from_url

from pilotwire.errors import PilotwireError

# Options that are of the connection, not of the store.
_CLIENT = frozenset("allow_http allow_invalid_certificates connect_timeout timeout proxy_url user_agent".split())
# The relay tries again itself, and says so.
_RETRY: dict[str, Any] = {"max_retries": 1, "retry_timeout": timedelta(seconds=10)}


class Store:
    """A store by its URL, or by the path of a directory; PilotwireError if that is none."""

    def __init__(self, to: str, options: dict[str, str]):
        try:
            if "://" in to and not to.startswith("file:"):
                client: Any = {key: _typed(value) for key, value in options.items() if key in _CLIENT}
                own: Any = {key: value for key, value in options.items() if key not in _CLIENT}
                self._store = from_url(to, client_options=client, retry_config=_RETRY, **own)  # type: ignore[arg-type]
            elif "://" in to:
                self._store = from_url(to, mkdir=True)
            else:
                self._store = LocalStore(Path(to).absolute(), mkdir=True, automatic_cleanup=False)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # obstore panics on an option that it does not know, which is no Exception
            do = "give a directory, or a URL like s3://bucket/path, gs://bucket or az://container"
            raise PilotwireError(f"cannot pass anything on to {to.partition('?')[0]}", first_line(error), do)

    async def put(self, key: str, file: Path) -> str:
        """Stores a file and returns the key it got: `NAME~2.EXT` and so on where another file has the name.

        The same file under the same key counts as stored: it was, before the relay died or the answer was lost.

        Raises:
            BaseError: of obstore, when the store does not take it now.
        """
        data = file.read_bytes()
        stem, dot, extension = key.rpartition(".")
        if not dot or "/" in extension:
            stem, extension = key, ""
        for n in itertools.count(1):
            name = key if n == 1 else f"{stem}~{n}{dot and '.' + extension}"
            try:
                # One request: the parts of a larger one can not be conditional.
                await obstore.put_async(self._store, name, data, mode="create", use_multipart=False)
                return name
            except AlreadyExistsError:
                there = await obstore.get_async(self._store, name)
                if there.meta["size"] == len(data) and bytes(await there.bytes_async()) == data:
                    return name
        raise AssertionError


def _typed(value: str) -> bool | str:
    return value == "true" if value in ("true", "false") else value


def first_line(error: BaseException) -> str:
    """An error of obstore, which tells its whole history, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
