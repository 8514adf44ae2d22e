"""What a persona can do besides talking: the clock, its speed, looking things up, its own tools.

Its own are functions of LiveKit's `@function_tool` in a .py file beside persona.toml, and the tools
of MCP servers. Both are the operator's code and run with the worker's rights; what they give back
is foreign text all the same (agent/guard.py). `TRUSTED` are those whose answers we word ourselves.
"""

import asyncio
import datetime
import importlib.util
import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from livekit.agents import Agent, ToolError, function_tool, llm
from livekit.agents.llm.tool_context import FunctionTool, RawFunctionTool

from agent import config, knowledge
from agent.knowledge import Knowledge, KnowledgeError
from agent.personas import TOOLS, Mcp, Persona, PersonaError

logger = logging.getLogger(__name__)

TRUSTED = frozenset({"get_time", "get_date", "set_speaking_rate", "hand_over"})
LOOK_UP = "look_up"
HAND_OVER = "hand_over"

Tools = list[llm.Tool | llm.Toolset]
Arguments = dict[str, object]
RawTool = dict[str, object]


def own_tools(
    persona: Persona,
    *,
    set_rate: Callable[[float], None] | None,
    knowledge: Knowledge | None,
    hand_over: Callable[[str], Awaitable[Agent]] | None,
) -> Tools:
    """The tools that need no server. None leaves out what a call has no use for.

    Raises PersonaError for a file of tools that cannot be used.
    """
    tools: Tools = []
    if "time" in persona.tools:
        tools.append(get_time)
    if "date" in persona.tools:
        tools.append(get_date)
    if "rate" in persona.tools and set_rate is not None:
        tools.append(speaking_rate_tool(set_rate))
    if knowledge is not None:
        tools.append(look_up_tool(knowledge))
    if persona.hand_over and hand_over is not None:
        tools.append(hand_over_tool(persona.hand_over, hand_over))
    for name in persona.tools:
        if name not in TOOLS:
            tools += tools_of(persona.folder / name)
    return tools


def _described(name: str, description: str, **parameters: Mapping[str, object]) -> RawTool:
    """What a model is told of a tool; ready, for LiveKit works out that of a plain function's
    signature again in every turn, at a cost of milliseconds. All parameters are required."""
    schema: dict[str, object] = {
        "type": "object",
        "properties": parameters,
        "required": list(parameters),
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "parameters": schema, "strict": True}


@function_tool(raw_schema=_described("get_time", "What time it is, where this computer is."))
async def get_time(raw_arguments: Arguments) -> str:
    return datetime.datetime.now().astimezone().strftime("%H:%M")


@function_tool(raw_schema=_described("get_date", "What day it is today."))
async def get_date(raw_arguments: Arguments) -> str:
    return datetime.datetime.now().astimezone().strftime("%A, %d %B %Y")


def speaking_rate_tool(set_rate: Callable[[float], None]) -> llm.Tool:
    """A tool that changes the voice's speed from the next sentence on."""

    described = _described(
        "set_speaking_rate",
        "Speak slower or faster. 1.0 is the usual speed, 0.8 slower, 1.25 faster.",
        rate={"type": "number"},
    )

    @function_tool(raw_schema=described)
    async def set_speaking_rate(raw_arguments: Arguments) -> str:
        rate = raw_arguments.get("rate")
        if not isinstance(rate, int | float) or not 0.5 <= rate <= 2.0:
            raise ToolError("rate must be between 0.5 and 2.0")
        set_rate(rate)
        return f"speaking at {rate:g} times the usual speed"

    return set_speaking_rate


def look_up_tool(knowledge: Knowledge) -> llm.Tool:
    """A tool that finds passages: JSON, best first; `share` of the question's words are in each."""

    asked = {"type": "string", "description": "What to find, in the words of the subject."}
    described = _described(
        LOOK_UP,
        "Look something up in your own notes. Use it before you answer a question of fact about "
        "your subject.",
        question=asked,
    )

    @function_tool(raw_schema=described)
    async def look_up(raw_arguments: Arguments) -> str:
        question = raw_arguments.get("question")
        if not isinstance(question, str):
            raise ToolError("question must be a text")
        found = await asyncio.to_thread(knowledge.find, question[:400])
        passages = [
            {
                "from": one.passage.source,
                "about": one.passage.heading,
                "share": round(one.share, 2),
                "text": one.passage.text,
            }
            for one in found
        ]
        return json.dumps(passages, ensure_ascii=False) if passages else "nothing is known of that"

    return look_up


def hand_over_tool(names: Sequence[str], hand_over: Callable[[str], Awaitable[Agent]]) -> llm.Tool:
    """A tool that gives the call to another persona, once what is being said has been said."""
    described = _described(
        HAND_OVER,
        "Give this call to a colleague, who greets with another face and voice. Say in half a "
        "sentence that you do it, and only when the person wants it or needs it.",
        to={"type": "string", "enum": list(names)},
    )

    @function_tool(raw_schema=described)
    async def give_call(raw_arguments: Arguments) -> Agent:
        to = raw_arguments.get("to")
        if not isinstance(to, str) or to not in names:
            raise ToolError(f"there is nobody of that name: choose one of {', '.join(names)}")
        return await hand_over(to)

    return give_call


def tools_of(path: Path) -> Tools:
    """The function tools of a file, read anew. Raises PersonaError with the place and what to do.

    It runs the file.
    """
    where = f"{path.parent.name}/{path.name}"
    spec = importlib.util.spec_from_file_location(f"_visavis_tools_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame.lineno for frame in frames if frame.filename == str(path)]
        line = ours[-1] if ours else getattr(error, "lineno", 1)
        raise PersonaError(f"{where}:{line}: {type(error).__name__}: {error}") from error
    found: Tools = [
        value
        for value in vars(module).values()
        if isinstance(value, FunctionTool | RawFunctionTool)
    ]
    if not found:
        raise PersonaError(f"{where}:1: has no tool: write a function with @function_tool")
    return found


def notes_of(persona: Persona) -> Knowledge | None:
    """The persona's knowledge, read anew. Raises PersonaError for a folder that cannot be used."""
    if persona.knowledge is None:
        return None
    try:
        return knowledge.load(persona.folder / persona.knowledge, language=persona.language)
    except KnowledgeError as error:
        raise PersonaError(f"{persona.id}/{error}") from error


def check(persona: Persona) -> None:
    """Raises PersonaError for tools, servers or notes that cannot be used; connects to nothing."""
    own_tools(persona, set_rate=None, knowledge=None, hand_over=None)
    servers_of(persona)
    notes_of(persona)


def servers_of(persona: Persona) -> list[llm.Toolset]:
    """The persona's MCP servers as LiveKit toolsets, not connected yet.

    Raises PersonaError when the package is missing, or a token's variable is not set.
    """
    if not persona.mcp:
        return []
    try:
        from livekit.agents.llm import mcp
    except ImportError as error:
        needed = "MCP servers need a package: pip install 'visavis-agent[mcp]'"
        raise PersonaError(f"{persona.id}/persona.toml: {needed}") from error

    class Offered(mcp.MCPToolset):
        """A server's tools, or those of them that the persona names."""

        def __init__(self, server: Mcp) -> None:
            super().__init__(id=f"mcp-{server.name}", mcp_server=_server(persona, server))
            self._names = server.tools

        async def setup(self, *, reload: bool = False) -> "Offered":
            await super().setup(reload=reload)
            names = self._names
            if names is not None:
                self.filter_tools(lambda tool: tool.info.name in names)
            return self

    return [Offered(server) for server in persona.mcp]


def _server(persona: Persona, server: Mcp) -> Any:
    from livekit.agents.llm import mcp

    if server.command:
        program, *arguments = server.command
        return mcp.MCPServerStdio(
            program,
            arguments,
            env=config.keyless_environment(),
            cwd=persona.folder,
            client_session_timeout_seconds=server.timeout_s,
            tool_result_resolver=_text_of,
        )
    headers: dict[str, str] = {}
    if server.token_env is not None:
        token = config.secret(server.token_env)
        if token is None:
            problem = f"mcp {server.name!r} needs the environment variable {server.token_env}"
            raise PersonaError(f"{persona.id}/persona.toml: {problem}")
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    assert server.url is not None
    return mcp.MCPServerHTTP(
        server.url,
        headers=headers,
        client_session_timeout_seconds=server.timeout_s,
        tool_result_resolver=_text_of,
    )


def _text_of(context: Any) -> str:
    """What an MCP tool says, as text; pictures and sounds are named, not sent."""
    parts = [getattr(item, "text", None) or f"[{item.type}]" for item in context.result.content]
    return "\n".join(parts) or "it gave no answer"
