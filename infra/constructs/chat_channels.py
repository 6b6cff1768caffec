"""Owns how outcomes and alarms reach channels of Slack and Teams: by Amazon Q Developer in chat applications.

A person authorises a Slack workspace or a Teams team in Q's console once for each account: CloudFormation
cannot. Source: CloudFormation's reference of AWS::Chatbot::SlackChannelConfiguration, `SlackWorkspaceId`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sns as sns


class ChatChannels(Construct):
    """Subscribe channels to a topic. Nobody can run a command from them.

    Args:
        channels: `slack:workspace/channel` and `teams:tenant/team/channel`, by their ids.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, topic: sns.ITopic, channels: Sequence[str]
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            description="What a chat may do in this account for Greenlight: nothing",
            assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com"),
        )
        # Without guardrails, Q takes AdministratorAccess for the limit of what a channel may do.
        guardrails = [iam.ManagedPolicy.from_aws_managed_policy_name("AWSDenyAll").managed_policy_arn]
        topics = [topic.topic_arn]
        for number, each in enumerate(channels, start=1):
            name = f"{Stack.of(self).stack_name}-outcomes-{number}"
            kind, _, ids = each.partition(":")
            if kind == "slack":
                workspace, _, channel = ids.partition("/")
                chatbot.CfnSlackChannelConfiguration(
                    self,
                    f"Slack{channel}",
                    configuration_name=name,
                    iam_role_arn=self.role.role_arn,
                    slack_workspace_id=workspace,
                    slack_channel_id=channel,
                    sns_topic_arns=topics,
                    guardrail_policies=guardrails,
                )
                continue
            tenant, team, channel = ids.split("/", 2)
            chatbot.CfnMicrosoftTeamsChannelConfiguration(
                self,
                f"Teams{number}",
                configuration_name=name,
                iam_role_arn=self.role.role_arn,
                teams_tenant_id=tenant,
                team_id=team,
                teams_channel_id=channel,
                sns_topic_arns=topics,
                guardrail_policies=guardrails,
            )
