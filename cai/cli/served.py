"""Asks a server which model it offers, so that the name need not be given where there is only one."""

import asyncio
from collections.abc import Sequence

from cai.errors import UsageError


def served_model(base_urls: Sequence[str]) -> str:
    """The name of the one model that the servers offer.

    Raises:
        EngineError: Nothing answers there, or the key is refused.
        UsageError: There are several models, or none is listed.
    """
    names = asyncio.run(_offered(base_urls))
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError("the server does not say which model it offers", where="--engine", fix="give --model NAME")
    some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    raise UsageError(f"the server offers {len(names)} models", where="--engine", fix=f"give --model with one of {some}")


async def _offered(base_urls: Sequence[str]) -> list[str]:
    from cai.config.roles import OpenAIConfig
    from cai.engines.server_pool import ServerPool

    pool = ServerPool(OpenAIConfig(model="", base_urls=tuple(base_urls)))
    try:
        return sorted({str(entry["id"]) for entry in await pool.open() if "id" in entry})
    finally:
        await pool.close()
