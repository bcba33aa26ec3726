"""`make rehearse`: runs the manifests on this machine. Prints the first claim that fails and exits with status 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from devstack.processes.child import DevstackError
from devstack.settings import CHECKOUT
from rehearsal import interrupts
from rehearsal.claims import ClaimFailed, Claims
from rehearsal.cluster import Cluster
from rehearsal.manifests import Manifest, build
from rehearsal.scenario import Scenario

_SHORT_PACE = 5.0  # factor by which waits are shorter than in a cluster


def main() -> int:
    """Returns the exit status."""
    arguments = _parser().parse_args()
    begun = time.monotonic()
    try:
        manifests = build(CHECKOUT / "deploy" / "k8s" / "overlays" / arguments.overlay)
        held = interrupts.run(partial(_rehearse, manifests, short=arguments.short))
    except (ClaimFailed, DevstackError) as error:
        print(f"FAILED  {error}", file=sys.stderr)
        return 1
    except interrupts.Interrupted as interrupted:
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
            await Scenario(cluster, claims).run(short=short)
        except ClaimFailed:
            for pod in cluster.pods:
                print(f"--- {pod.name}, {pod.restarts} restarts\n{pod.tail()}", file=sys.stderr)
            raise
        finally:
            await interrupts.uninterrupted(cluster.kill())
    return claims.held


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make rehearse", description=__doc__)
    parser.add_argument("--overlay", default="dev", help="the overlay to render (default: dev)")
    parser.add_argument(
        "--short", action="store_true", help="half of the claims, in under a minute, with waits a fifth as long"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
