"""
A client on BACpypes3: reads, is notified by and commands our device, and prints what it saw as JSON. Its arguments: its own address,
our device's address and instance.
"""

import asyncio
import json
import sys

from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import Null, ObjectIdentifier, Real


async def main() -> None:
    own, peer, instance = sys.argv[1], Address(sys.argv[2]), int(sys.argv[3])
    device = DeviceObject(
        objectIdentifier=("device", 4000),
        objectName="client",
        vendorIdentifier=999,
        maxApduLengthAccepted=480,
        segmentationSupported="segmented-both",
        maxSegmentsAccepted=64,
    )
    app = NormalApplication(device, IPv4Address(own))
    seen: dict = {}
    i_ams = await app.who_is(instance, instance, peer)
    seen["iAm"] = [i_am.iAmDeviceIdentifier[1] for i_am in i_ams]
    target = ObjectIdentifier(f"device,{instance}")
    seen["objects"] = len(await app.read_property(peer, target, "object-list"))
    seen["name"] = str(await app.read_property(peer, "analog-input,1", "object-name"))
    answers = await app.read_property_multiple(
        peer, ["analog-input,1", ["present-value", "status-flags", "units"], "analog-value,1", ["present-value"]]
    )
    seen["multiple"] = [str(value) for _, _, _, value in answers]
    async with app.change_of_value(peer, ObjectIdentifier("analog-value,1"), 7, True, 60) as changes:
        told = []
        while len(told) < 2:
            identifier, value = await asyncio.wait_for(changes.get_value(), 5)
            told.append(str(identifier))
        seen["told"] = told
    await app.write_property(peer, "analog-value,1", "present-value", Real(24.5), priority=8)
    seen["commanded"] = float(await app.read_property(peer, "analog-value,1", "present-value"))
    await app.write_property(peer, "analog-value,1", "present-value", Null(()), priority=8)
    seen["givenBack"] = float(await app.read_property(peer, "analog-value,1", "present-value"))
    print(json.dumps(seen))
    app.close()


asyncio.run(main())
