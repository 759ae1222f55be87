"""Keep a store up to date, until SIGTERM or Ctrl-C."""

import asyncio
import logging
import os
import signal

from hourlyclicks import AuthenticationError, Client, HourlyClicksError, Link, Plan

LINKS = [Link("kYdr", "https://vvd.bz"), Link("talk", "https://vvd.bz")]
PAUSE = 3600.0
"""Seconds between the end of a run and the beginning of the next one."""

log = logging.getLogger("worker")


async def work(client, stop):
    """Bring the store up to date again and again."""
    while not stop.is_set():
        try:
            report = await client.sync(LINKS, new=30, stop=stop)
        except AuthenticationError:
            raise  # a person must replace the key
        except HourlyClicksError as error:
            log.warning("the run ended early, the next one continues: %s", error)
        else:
            log.info("%d days fetched, %d remain", report.done, report.remaining)
        await either(stop, PAUSE)


async def either(stop, seconds):
    """Wait until a worker must stop, at most so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(number):
        loop.remove_signal_handler(number)  # the second signal ends the process at once
        log.info("%s: finishing", signal.Signals(number).name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    async with Client(
        plan=Plan.PREMIUM,
        timezone="Asia/Seoul",
        base_url=os.environ.get("CLICKS_URL", "https://vivoldi.com"),
        store=os.environ.get("CLICKS_STORE", "clicks.db"),
    ) as client:
        await work(client, stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
