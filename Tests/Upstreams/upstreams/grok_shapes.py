"""What a message to the Grok web app must look like in the two generations of its wire, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .grok_accounts import HIGH_COST, MODE_IDS, MODEL_NAMES
from .grok_errors import OUTDATED, invalid, not_found

ANY, BY_MODEL, BY_MODE = "any", "rest-modelmode", "rest-modeid"

FLAGS = {
    "temporary", "disableSearch", "enableImageGeneration", "returnImageBytes", "returnRawGrokInXaiRequest",
    "enableImageStreaming", "forceConcise", "enableSideBySide", "sendFinalMetadata", "isReasoning",
    "disableTextFollowUps", "disableMemory", "forceSideBySide", "isAsyncChat", "disableSelfHarmShortCircuit",
    "disableArtifact", "isFromGrokFiles", "skipCancelCurrentInflightRequests", "isRegenRequest", "searchAllConnectors",
    "enable420", "disableArtifactDiff", "disablePersonalization", "enableNsfw", "skipResponseCache", "isPreset",
}  # fmt: skip
LISTS = {
    "fileAttachments", "imageAttachments", "webpageUrls", "collectionIds", "connectors", "connectorIds",
    "disabledConnectorIds", "workspaceIds", "imageEditUris",
}  # fmt: skip
OBJECTS = {
    "toolOverrides", "responseMetadata", "deviceEnvInfo", "metadata", "modelConfigOverride", "modelMap",
    "requestModelDetails", "request_metadata", "browserGeoLocation",
}  # fmt: skip
TEXTS = {
    "message", "modelName", "modelMode", "modeId", "parentResponseId", "systemPromptName", "customInstructions",
    "customPersonality", "deepsearchPreset", "templateId", "modelOverrideKey", "resumeResponseId", "threadParentId",
    "parentQuotedText", "followUpType", "imageEditUri", "model", "mode",
}  # fmt: skip
KNOWN = FLAGS | LISTS | OBJECTS | TEXTS | {"imageGenerationCount"}
SHAPES: list[tuple[set[str], type]] = [(FLAGS, bool), (LISTS, list), (OBJECTS, dict), (TEXTS, str)]
DEAR = ("THINKING", "EXPERT", "HEAVY")


@dataclass
class Asked:
    """A message that has the right shape."""

    message: str
    # Of which window it takes how much.
    key: str
    cost: int
    model: str
    mode: str
    files: list[str]
    temporary: bool


def key_of(body: dict[str, Any]) -> str:
    """Which window a message would take from, whatever else is wrong with it."""
    return str(body.get("modeId") or body.get("modelName") or body.get("model") or "grok-420")


def check(body: dict[str, Any], wire: str) -> Asked:
    """What is asked for; raises what the upstream says if it cannot read it."""
    for names, kind in SHAPES:
        for name in names & body.keys():
            if not isinstance(body[name], kind):
                raise invalid(f"Invalid value for field {name}")
    count = body.get("imageGenerationCount", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 10:
        raise invalid("Invalid value for field imageGenerationCount")
    by_mode = "modeId" in body
    if wire == BY_MODE and not by_mode or wire == BY_MODEL and (by_mode or "modelName" not in body):
        raise invalid(OUTDATED)
    files = body.get("fileAttachments", [])
    if not all(isinstance(name, str) for name in files):
        raise invalid("Invalid value for field fileAttachments")
    if not body.get("message") and not files:
        raise invalid("Message is empty")
    key = key_of(body)
    mode = body["modeId"] if by_mode else body.get("modelMode", "MODEL_MODE_AUTO")
    if key not in (MODE_IDS if by_mode else MODEL_NAMES) or not by_mode and not mode.startswith("MODEL_MODE_"):
        raise not_found("Model")
    cost = HIGH_COST if not by_mode and any(word in mode for word in DEAR) else 1
    model = "grok-420" if by_mode else key
    return Asked(body.get("message", ""), key, cost, model, mode, files, body.get("temporary", False))


def strange(body: dict[str, Any]) -> list[str]:
    """Fields that nobody has seen in a message."""
    return sorted(set(body) - KNOWN)
