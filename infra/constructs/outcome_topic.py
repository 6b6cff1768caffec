"""Owns how outcomes reach people: the topic that alarms have too, to which the deployer publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.chat_channels import ChatChannels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct


class OutcomeTopic(AlarmTopic):
    """Send every outcome of a deployment, and every alarm, to one SNS topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        emails: Sequence[str] = (),
        chat_channels: Sequence[str] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            display_name="Greenlight outcomes",
            key_description="Encrypts Greenlight's outcome topic",
            emails=emails,
        )
        self.chats = len(chat_channels)
        if chat_channels:
            ChatChannels(self, "Chats", topic=self.topic, channels=chat_channels)
