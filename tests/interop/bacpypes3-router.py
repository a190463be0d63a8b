"""
A router on BACpypes3 between BACnet/IP, network 100, and a virtual network 200 with one device of instance 997 at address 3.
Its arguments: instance of the router's own device, address.
"""

import asyncio
import sys

from bacpypes3.app import Application
from bacpypes3.vlan import VirtualNetwork


def device(instance: int, name: str) -> dict:
    return {
        "apdu-segment-timeout": 1000,
        "apdu-timeout": 3000,
        "application-software-version": "1.0",
        "database-revision": 1,
        "firmware-revision": "N/A",
        "max-apdu-length-accepted": 1024,
        "model-name": "N/A",
        "number-of-apdu-retries": 3,
        "object-identifier": f"device,{instance}",
        "object-name": name,
        "object-type": "device",
        "protocol-revision": 22,
        "protocol-version": 1,
        "segmentation-supported": "segmented-both",
        "system-status": "operational",
        "vendor-identifier": 999,
        "vendor-name": "BACpypes",
    }


def port(number: int, **specifics: object) -> dict:
    return {
        "changes-pending": False,
        "object-identifier": f"network-port,{number}",
        "object-name": f"NetworkPort-{number}",
        "object-type": "network-port",
        "out-of-service": False,
        "protocol-level": "bacnet-application",
        "reliability": "no-fault-detected",
        **specifics,
    }


async def main() -> None:
    instance, address = int(sys.argv[1]), sys.argv[2]
    host, udp_port = address.split(":")
    VirtualNetwork("field")
    ip = port(
        1,
        **{
            "bacnet-ip-mode": "normal",
            "bacnet-ip-udp-port": int(udp_port),
            "ip-address": host,
            "ip-subnet-mask": "255.255.255.255",
            "link-speed": 0.0,
            "mac-address": address,
            "network-number": 100,
            "network-number-quality": "configured",
            "network-type": "ipv4",
        },
    )
    inner = {"network-interface-name": "field", "network-type": "virtual"}
    outlet = {**inner, "mac-address": "0x02", "network-number": 200, "network-number-quality": "configured"}
    router = Application.from_json([device(instance, "Router"), ip, port(2, **outlet)])
    values = [
        {
            "object-identifier": f"analog-value,{number}",
            "object-name": f"点 {number}",
            "object-type": "analog-value",
            "out-of-service": False,
            "present-value": 12.5 + number,
            "units": "no-units",
        }
        for number in range(1, 301)
    ]
    field = Application.from_json([device(997, "Field device"), port(1, **inner, **{"mac-address": "0x03"}), *values])
    assert router and field
    await asyncio.Future()


asyncio.run(main())
