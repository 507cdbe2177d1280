"""Who are the others, and of which layers do they draw their share?

Invariant: the owners of each layer are dealt among exactly those members that draw this release and need that layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.member import Role

if TYPE_CHECKING:
    from dcdist.model.identity import HostId
    from dcdist.model.pieces import Bits
    from dcdist.policy.planner_events import MembersChanged
    from dcdist.policy.state.layer_state import LayerState


class Members:
    """The other members as the latest listing has them, seated at `layers` (by their numbers)."""

    def __init__(self, version: str, layers: dict[int, LayerState]) -> None:
        """`version`: of the release that this host fetches; those who fetch another one draw nothing of it."""
        self._version = version
        self._layers = layers
        self._members: dict[HostId, tuple[Role, str, Bits]] = {}
        self._prefix_bits = 0

    def __len__(self) -> int:
        return len(self._members)

    def opened(self, layer: int) -> None:
        """A layer takes part from now on."""
        state = self._layers[layer]
        state.ownership.narrow(self._prefix_bits)
        for host in self._members:
            self._seat(host, layer)
        state.reassign()

    def narrowed(self, bits: int) -> None:
        """The members are those of a prefix of so many bits from now on."""
        self._prefix_bits = bits
        for state in self._layers.values():
            if state.ownership.narrow(bits):
                state.reassign()

    def changed(self, event: MembersChanged) -> None:
        """Hosts appeared, changed or left."""
        for host in event.left:
            self._members.pop(host, None)
        for member in event.joined:
            self._members[member.host] = (member.role, member.version, member.needs)
        hosts = [*event.left, *(member.host for member in event.joined)]
        for layer, state in self._layers.items():
            # Not any(): every host must be seated.
            if [host for host in hosts if self._seat(host, layer)]:
                state.reassign()

    def _seat(self, host: HostId, layer: int) -> bool:
        """Put a host among the members of a layer or take it away; whether that changed anything."""
        role, version, needs = self._members.get(host, (Role.SEEDER, "", 0))
        draws = role is Role.DRAWER and version == self._version and bool(needs >> layer & 1)
        ownership = self._layers[layer].ownership
        return ownership.join(host) if draws else ownership.leave(host)
