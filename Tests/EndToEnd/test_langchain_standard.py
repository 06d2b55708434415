"""LangChain's own standard suites for chat models and embeddings, through the cluster, over every provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests

from support.cluster import KEY, Cluster
from support.simulator import Simulator
from support.vendors import VENDORS, Vendor

_base_url = ""


@pytest.fixture(scope="module", autouse=True)
def _cluster(vendors_cluster: Cluster) -> None:
    global _base_url
    _base_url = vendors_cluster.base_url


class ChatSuite:
    """What the suites are told of us; each provider's class adds its vendor."""

    vendor: Vendor

    @pytest.fixture(autouse=True)
    def _smart(self, simulators: dict[str, Simulator]) -> Iterator[None]:
        simulators[self.vendor.name].reset()
        simulators[self.vendor.name].control(default={"smart": True})
        yield
        simulators[self.vendor.name].reset()

    @pytest.mark.xfail(reason="it replays recordings of a vendor, and there are none of us", run=False)
    def test_stream_time(self) -> None:
        pass

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        known = {"model": self.vendor.model, "base_url": _base_url, "api_key": KEY, "max_retries": 0, "timeout": 20}
        return known | {"stream_usage": True}

    @property
    def model_override_value(self) -> str | None:
        model = self.vendor.other or self.vendor.model
        return model.partition("/")[2] if self.vendor.has_bare_names else None

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling" if "json_schema" in self.vendor.refuses else "json_schema"}

    @property
    def supports_json_mode(self) -> bool:
        # A model that answers JSON because it is told to is a matter of the model.
        return False

    @property
    def supports_image_inputs(self) -> bool:
        # The suite fetches its picture from the internet; `test_scenarios` sends one.
        return False


@pytest.mark.xfail(reason="the vendor has no stop sequences, and the gateway says so", raises=openai.BadRequestError)
def _stop_is_refused(self: ChatModelIntegrationTests, model: ChatOpenAI) -> None:
    ChatModelIntegrationTests.test_stop_sequence(self, model)


for _vendor in VENDORS:
    _name = f"Test{_vendor.name.title()}Chat"
    _members: dict[str, Any] = {"vendor": _vendor}
    if "stop" in _vendor.refuses:
        _members["test_stop_sequence"] = _stop_is_refused
    globals()[_name] = type(_name, (ChatSuite, ChatModelIntegrationTests), _members)


class EmbeddingsSuite:
    vendor: Vendor

    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        # Token ids are of use to OpenAI's own models only.
        return {
            "model": self.vendor.embedder,
            "base_url": _base_url,
            "api_key": KEY,
            "check_embedding_ctx_length": False,
        }


for _vendor in VENDORS:
    if _vendor.embedder:
        _name = f"Test{_vendor.name.title()}Embeddings"
        globals()[_name] = type(_name, (EmbeddingsSuite, EmbeddingsIntegrationTests), {"vendor": _vendor})
