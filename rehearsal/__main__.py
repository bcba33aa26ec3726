"""`make rehearse`: runs what the manifests say on this machine. Status 1 names the claim that does not hold."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from devstack.processes.child import DevstackError
from devstack.settings import CHECKOUT
from rehearsal import ending
from rehearsal.claims import Broken, Claims
from rehearsal.cluster import Cluster
from rehearsal.manifests import Manifest, build
from rehearsal.story import Story

_SHORT_PACE = 5.0  # times faster than in a cluster


def main() -> int:
    """Returns the exit status."""
    arguments = _parser().parse_args()
    begun = time.monotonic()
    try:
        manifests = build(CHECKOUT / "deploy" / "k8s" / "overlays" / arguments.overlay)
        held = ending.run(partial(_rehearse, manifests, short=arguments.short))
    except (Broken, DevstackError) as error:
        print(f"BROKEN  {error}", file=sys.stderr)
        return 1
    except ending.Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        return interrupted.exit_status
    print(f"{held} claims held in {time.monotonic() - begun:.0f} s")
    return 0


async def _rehearse(manifests: tuple[Manifest, ...], *, short: bool) -> int:
    claims = Claims(lambda line: print(line, flush=True))
    with tempfile.TemporaryDirectory(prefix="warmcast-rehearsal-") as folder:
        cluster = Cluster(manifests, Path(folder), pace=_SHORT_PACE if short else 1)
        try:
            await cluster.start_stores()
            await Story(cluster, claims).tell(short=short)
        except Broken:
            for pod in cluster.pods:
                print(f"--- {pod.name}, {pod.restarts} restarts\n{pod.tail()}", file=sys.stderr)
            raise
        finally:
            await ending.uninterrupted(cluster.kill())
    return claims.held


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make rehearse", description=__doc__)
    parser.add_argument("--overlay", default="dev", help="the overlay to render (default: dev)")
    parser.add_argument("--short", action="store_true", help="half of it in under a minute, with waits a fifth as long")
    return parser


if __name__ == "__main__":
    sys.exit(main())
