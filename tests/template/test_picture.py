"""The picture in the README shows the resources of the template, and connects only what is connected."""

import re
from typing import Final

from tests.documents import code_blocks, section
from tests.template.sources import Template

SHOWN: Final = (
    *("AWS::Serverless::Function", "AWS::Serverless::StateMachine", "AWS::Serverless::Api"),
    *("AWS::SQS::Queue", "AWS::DynamoDB::Table"),
)
VENDORS: Final = {"Lytics", "SendGrid"}
_SHAPE: Final = r"(?:\[\[[^\]]+\]\]|\[/[^\]]+/\]|\[\([^\]]+\)\]|\(\[[^\]]+\]\)|\[[^\]]+\])"
_ARROW: Final = r"""(?:-->|--\ "[^"]+"\ -->|-\.\ "[^"]+"\ \.->)"""
_NODE: Final = re.compile(rf"(?:subgraph )?(\w+){_SHAPE}")
_EDGE: Final = re.compile(rf"(\w+){_SHAPE}? {_ARROW} (\w+){_SHAPE}?")


def _picture() -> tuple[set[str], set[tuple[str, str]]]:
    """Return the nodes that the picture declares, and its edges. Fails on a line that is neither."""
    (picture,) = code_blocks(section("README.md", "How it works"), "mermaid")
    nodes, edges = set(), set()
    for line in filter(None, map(str.strip, picture.splitlines())):
        edge = _EDGE.fullmatch(line)
        nodes |= {name for name, _ in re.findall(rf"(\w+)({_SHAPE})", line)}
        if edge is not None:
            edges.add((edge[1], edge[2]))
        else:
            assert _NODE.fullmatch(line) or line in {"flowchart TB", "end"}, line
    return nodes, edges


def test_picture_shows_every_resource_and_nothing_else(template: Template) -> None:
    nodes, _ = _picture()
    assert nodes == template.of_type(*SHOWN).keys() | VENDORS


def test_ends_of_every_edge_are_declared() -> None:
    nodes, edges = _picture()
    assert {end for edge in edges for end in edge} <= nodes


def test_every_resource_is_connected() -> None:
    nodes, edges = _picture()
    assert nodes - {end for edge in edges for end in edge} == {"ExportStateMachine"}


def test_edges_to_queues_and_tables_are_permitted(template: Template) -> None:
    _, edges = _picture()
    tables = template.of_type("AWS::DynamoDB::Table")
    for source, target in edges:
        if source in template.functions and target in template.queues:
            assert template.allows(source, "sqs:SendMessage", target), f"{source} --> {target}"
        if source in template.functions and target in tables:
            arn = {"Fn::GetAtt": [target, "Arn"]}
            assert any(s["Resource"] == arn for s in template.statements(source)), f"{source} --> {target}"


def test_edges_from_queues_are_event_sources_and_redrives(template: Template) -> None:
    _, edges = _picture()
    sources = {(template.source_queue(name), name) for name in template.functions}
    redrives = {
        (name, queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0])
        for name, queue in template.queues.items()
        if "RedrivePolicy" in queue
    }
    drawn = {edge for edge in edges if edge[0] in template.queues}
    assert drawn == {edge for edge in sources if edge[0] is not None} | redrives
