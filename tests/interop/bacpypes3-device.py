"""A device on BACpypes3 for the interoperability tests: instance, address and the largest APDU are its arguments."""

import asyncio
import sys

from bacpypes3.basetypes import TimeStamp
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogValueObjectIR
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.cov import COVIncrementCriteria
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.object import Object as LocalObject
from bacpypes3.object import AnalogValueObject as StandardAnalogValueObject
from bacpypes3.object import NotificationClassObject as StandardNotificationClassObject
from bacpypes3.pdu import IPv4Address

VALUES = 300


class AnalogValueObject(Commandable, LocalObject, StandardAnalogValueObject):
    _cov_criteria = COVIncrementCriteria


class NotificationClassObject(LocalObject, StandardNotificationClassObject):
    pass


async def main() -> None:
    instance, address, max_apdu = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    device = DeviceObject(
        objectIdentifier=("device", instance),
        objectName=f"控制器 {instance}",
        description="冷冻水泵房 " * 120,
        vendorIdentifier=999,
        maxApduLengthAccepted=max_apdu,
        segmentationSupported="segmented-both",
        maxSegmentsAccepted=64,
    )
    app = NormalApplication(device, IPv4Address(address))
    for number in range(1, VALUES + 1):
        app.add_object(
            AnalogValueObject(
                objectIdentifier=("analog-value", number),
                objectName=f"温度 {number}",
                description=f"Temperature {number}",
                presentValue=float(number),
                statusFlags=[0, 0, 0, 0],
                eventState="normal",
                outOfService=False,
                units="degreesCelsius",
                relinquishDefault=float(number),
                covIncrement=0.5,
            )
        )
    app.add_object(
        NotificationClassObject(
            objectIdentifier=("notification-class", 1),
            objectName="报警 1",
            notificationClass=1,
            priority=[10, 20, 30],
            ackRequired=[1, 1, 1],
            recipientList=[],
        )
    )
    app.add_object(
        AnalogValueObjectIR(
            objectIdentifier=("analog-value", 1000),
            objectName="压力",
            presentValue=50.0,
            statusFlags=[0, 0, 0, 0],
            eventState="normal",
            outOfService=False,
            units="kilopascals",
            covIncrement=1.0,
            timeDelay=0,
            timeDelayNormal=0,
            notificationClass=1,
            highLimit=80.0,
            lowLimit=10.0,
            deadband=1.0,
            limitEnable=[1, 1],
            eventEnable=[1, 1, 1],
            ackedTransitions=[1, 1, 1],
            notifyType="alarm",
            eventTimeStamps=[TimeStamp(sequenceNumber=0)] * 3,
            eventMessageTexts=["高", "故障", "正常"],
            eventDetectionEnable=True,
            reliability="noFaultDetected",
            reliabilityEvaluationInhibit=False,
        )
    )
    await asyncio.Future()


asyncio.run(main())
