import botocore.session
from botocore.model import StringShape

from deployer.model import statuses

GROUPS = (statuses.MODIFYING, statuses.UPDATABLE, statuses.FAILED, statuses.UNDECIDED)


def test_every_status_of_the_service_model_belongs_to_exactly_one_group() -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("EndpointStatus")

    assert isinstance(shape, StringShape)
    assert sorted(shape.enum) == sorted(status for group in GROUPS for status in group)
