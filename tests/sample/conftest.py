import pytest

from kpikit.sample import AS_OF, SEED
from kpikit.sample.atlas import make_atlas_data
from kpikit.sample.beacon import make_beacon_data
from kpikit.sample.comet import make_comet_data


@pytest.fixture(scope="session")
def atlas():
    return make_atlas_data(users=6_000, seed=SEED, as_of=AS_OF)


@pytest.fixture(scope="session")
def beacon():
    return make_beacon_data(users=6_000, seed=SEED, as_of=AS_OF)


@pytest.fixture(scope="session")
def comet():
    return make_comet_data(users=12_000, seed=SEED, as_of=AS_OF)
