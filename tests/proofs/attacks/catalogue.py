"""All attacks, in the order in which they are proved; an attack that fills the engine comes late."""

from tests.proofs.attacks import (
    chunks,
    flooding,
    guests,
    hosting,
    importing,
    metrics,
    reading,
    repeating,
    watching,
)
from tests.proofs.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *watching.ATTACKS,
    *reading.ATTACKS,
    *metrics.ATTACKS,
    *chunks.ATTACKS,
    *flooding.ATTACKS,
    *repeating.ATTACKS,
    *hosting.ATTACKS,
    *importing.ATTACKS,
    *guests.ATTACKS,
)
BY_NAME = {attack.name: attack for attack in ATTACKS}
