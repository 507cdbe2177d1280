"""The ova.xml of an export: one VM with its disks, as records in XML-RPC, the way xapi writes them.

A value has no prolog; strings and integers stand bare inside `<value>`. Identifiers follow from the VM's name alone, so
that the same input gives the same bytes.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Value: TypeAlias = "bool | int | float | str | Date | Sequence[Value] | Mapping[str, Value]"
Record: TypeAlias = "dict[str, Value]"
Identity: TypeAlias = "Callable[[str], str]"  # what an object is for -> its UUID

NOTHING = "OpaqueRef:NULL"
MEMORY = str(1 << 30)


@dataclass(frozen=True, slots=True)
class Date:
    """A moment as XML-RPC writes it."""

    text: str = "19700101T00:00:00Z"


def to_xml(value: Value) -> str:
    """One XML-RPC value."""
    match value:
        case bool():
            inner = f"<boolean>{value:d}</boolean>"
        case int():
            inner = str(value)
        case float():
            inner = f"<double>{value:.16g}</double>"
        case Date():
            inner = f"<dateTime.iso8601>{value.text}</dateTime.iso8601>"
        case str():
            inner = escape(value, {'"': "&quot;"})
        case dict():
            members = (f"<member><name>{name}</name>{to_xml(item)}</member>" for name, item in value.items())
            inner = f"<struct>{''.join(members)}</struct>"
        case list() | tuple():
            inner = f"<array><data>{''.join(map(to_xml, value))}</data></array>"
        case _:
            raise TypeError(f"{type(value).__name__} has no form in XML-RPC here")
    return f"<value>{inner}</value>"


def describe(name: str, sizes: Sequence[int]) -> tuple[bytes, tuple[str, ...]]:
    """The ova.xml of a VM with disks of these sizes in bytes, and the disks' references in the same order."""
    vm, metrics, storage, network, interface = (f"Ref:{number}" for number in range(5))
    disks = tuple(f"Ref:{5 + number}" for number in range(len(sizes)))
    devices = tuple(f"Ref:{5 + len(sizes) + number}" for number in range(len(sizes)))

    def identity(of: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"dcdist:{name}:{of}"))

    objects: list[tuple[str, str, Record]] = [("VM", vm, _vm(name, identity, metrics, interface, devices))]
    objects += [("VM_metrics", metrics, _metrics(identity))]
    objects += [
        ("VBD", device, _device(identity, number, vm, disk))
        for number, (device, disk) in enumerate(zip(devices, disks, strict=True))
    ]
    objects += [("VIF", interface, _interface(identity, vm, network))]
    objects += [("network", network, _network(identity, interface))]
    objects += [
        ("VDI", disk, _disk(identity, number, storage, device, size, f"{name} disk {number}"))
        for number, (disk, device, size) in enumerate(zip(disks, devices, sizes, strict=True))
    ]
    objects += [("SR", storage, _storage(identity, disks))]
    version: Record = {
        "hostname": "localhost", "date": "2023-10-18", "product_version": "8.2.1", "product_brand": "XCP-ng",
        "build_number": "release", "xapi_major": 1, "xapi_minor": 20, "export_vsn": 2,
    }  # fmt: skip
    records: list[Value] = [{"class": kind, "id": reference, "snapshot": record} for kind, reference, record in objects]
    return to_xml({"version": version, "objects": records}).encode(), disks


def _vm(name: str, identity: Identity, metrics: str, interface: str, devices: Sequence[str]) -> Record:
    return {
        "uuid": identity("vm"), "name_label": name, "name_description": "", "user_version": "1",
        "allowed_operations": [], "current_operations": {}, "power_state": "Halted",
        "is_a_template": False, "is_control_domain": False, "is_a_snapshot": False,
        "suspend_VDI": NOTHING, "resident_on": NOTHING, "affinity": NOTHING, "snapshot_of": NOTHING, "parent": NOTHING,
        "appliance": NOTHING, "protection_policy": NOTHING, "suspend_SR": NOTHING,
        "snapshots": [], "children": [], "snapshot_time": Date(), "transportable_snapshot_id": "",
        "memory_overhead": "11534336", "memory_target": "0", "memory_static_max": MEMORY, "memory_static_min": MEMORY,
        "memory_dynamic_max": MEMORY, "memory_dynamic_min": MEMORY,
        "VCPUs_params": {}, "VCPUs_max": "1", "VCPUs_at_startup": "1",
        "actions_after_shutdown": "destroy", "actions_after_reboot": "restart", "actions_after_crash": "restart",
        "consoles": [], "VIFs": [interface], "VBDs": devices, "crash_dumps": [], "VTPMs": [], "VGPUs": [],
        "PV_bootloader": "", "PV_kernel": "", "PV_ramdisk": "", "PV_args": "", "PV_bootloader_args": "",
        "PV_legacy_args": "", "HVM_boot_policy": "BIOS order", "HVM_boot_params": {"order": "cd", "firmware": "bios"},
        "HVM_shadow_multiplier": 1.0, "platform": {"acpi": "1", "apic": "true", "pae": "true", "nx": "true"},
        "PCI_bus": "", "other_config": {"mac_seed": identity("mac seed")}, "domid": "-1", "domarch": "",
        "last_boot_CPU_flags": {}, "metrics": metrics, "guest_metrics": NOTHING, "last_booted_record": "",
        "recommendations": "", "xenstore_data": {}, "ha_always_run": False, "ha_restart_priority": "", "blobs": {},
        "tags": [], "blocked_operations": {}, "snapshot_info": {}, "snapshot_metadata": "", "bios_strings": {},
        "start_delay": "0", "shutdown_delay": "0", "order": "0", "attached_PCIs": [], "version": "0",
        "generation_id": "", "hardware_platform_version": "0", "domain_type": "hvm",
    }  # fmt: skip


def _metrics(identity: Identity) -> Record:
    return {
        "uuid": identity("metrics"), "memory_actual": MEMORY, "VCPUs_number": "1", "VCPUs_utilisation": {},
        "VCPUs_CPU": {}, "VCPUs_params": {}, "VCPUs_flags": {}, "state": [], "start_time": Date(),
        "install_time": Date(), "last_updated": Date(), "other_config": {}, "current_domain_type": "unspecified",
    }  # fmt: skip


def _device(identity: Identity, number: int, vm: str, disk: str) -> Record:
    return {
        "uuid": identity(f"vbd {number}"), "allowed_operations": [], "current_operations": {}, "VM": vm, "VDI": disk,
        "device": f"xvd{chr(ord('a') + number)}", "userdevice": str(number), "bootable": number == 0, "mode": "RW",
        "type": "Disk", "unpluggable": True, "storage_lock": False, "empty": False, "other_config": {},
        "currently_attached": False, "status_code": "0", "status_detail": "", "runtime_properties": {},
        "qos_algorithm_type": "", "qos_algorithm_params": {}, "qos_supported_algorithms": [], "metrics": NOTHING,
    }  # fmt: skip


def _disk(identity: Identity, number: int, storage: str, device: str, size: int, label: str) -> Record:
    return {
        "uuid": identity(f"vdi {number}"), "name_label": label, "name_description": "", "allowed_operations": [],
        "current_operations": {}, "SR": storage, "VBDs": [device], "crash_dumps": [], "virtual_size": str(size),
        "physical_utilisation": str(size), "type": "user" if number else "system", "sharable": False,
        "read_only": False, "other_config": {}, "storage_lock": False, "location": identity(f"vdi {number}"),
        "managed": True, "missing": False, "parent": NOTHING, "xenstore_data": {}, "sm_config": {},
        "is_a_snapshot": False, "snapshot_of": NOTHING, "snapshots": [], "snapshot_time": Date(), "tags": [],
        "allow_caching": False, "on_boot": "persist", "metadata_of_pool": "", "metadata_latest": False,
    }  # fmt: skip


def _storage(identity: Identity, disks: Sequence[str]) -> Record:
    return {
        "uuid": identity("sr"), "name_label": "Local storage", "name_description": "", "allowed_operations": [],
        "current_operations": {}, "VDIs": disks, "PBDs": [], "virtual_allocation": "0", "physical_utilisation": "0",
        "physical_size": "0", "type": "ext", "content_type": "user", "shared": False, "other_config": {}, "tags": [],
        "sm_config": {}, "blobs": {}, "local_cache_enabled": False, "introduced_by": NOTHING,
    }  # fmt: skip


def _interface(identity: Identity, vm: str, network: str) -> Record:
    return {
        "uuid": identity("vif"), "allowed_operations": [], "current_operations": {}, "device": "0",
        "network": network, "VM": vm, "MAC": "", "MTU": "1500", "other_config": {}, "currently_attached": False,
        "status_code": "0", "status_detail": "", "runtime_properties": {}, "qos_algorithm_type": "",
        "qos_algorithm_params": {}, "qos_supported_algorithms": [], "metrics": NOTHING, "MAC_autogenerated": True,
        "locking_mode": "network_default", "ipv4_allowed": [], "ipv6_allowed": [],
    }  # fmt: skip


def _network(identity: Identity, interface: str) -> Record:
    return {
        "uuid": identity("network"), "name_label": "Pool-wide network", "name_description": "",
        "allowed_operations": [], "current_operations": {}, "VIFs": [interface], "PIFs": [], "MTU": "1500",
        "other_config": {}, "bridge": "xenbr0", "blobs": {}, "tags": [], "default_locking_mode": "unlocked",
    }  # fmt: skip
