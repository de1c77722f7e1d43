"""Small pipeline files, put together from parts."""

INTAKE = '{id="intake", uses="intake", evaluation="all-matching"}'
PLANNED = '{id="planning", uses="planning", inputs=[]}'
CODE = '{id="code", uses="code_generation", inputs=["plan"], slug="code"}'
REVIEW = '{id="review", uses="review", inputs=["code"]}'
INTEGRATION = '{id="integration", uses="integration"}'
X = "pipelines.x"


def pipeline(nodes: str = "", edges: str = "", *, start: str = "intake", more: str = "") -> str:
    return f"""schema_version = 1
[pipeline]
default = "x"
[pipelines.x]
start = "{start}"
nodes = [{nodes}]
edges = [{edges}]
{more}
"""


def nodes(*ids: str) -> str:
    return ", ".join([INTAKE, *(f'{{id="{id_}", type="llm", evaluation="all-matching"}}' for id_ in ids)])


def edges(*ends: str) -> str:
    return ", ".join(
        f'{{id="e{number}", from="{end.split(">")[0]}", to="{end.split(">")[1]}"}}' for number, end in enumerate(ends)
    )


def llm(id_: str, rest: str = "") -> str:
    """A custom node of type llm."""
    return f'{{id="{id_}", type="llm"{", " if rest else ""}{rest}}}'


def edge_with(rest: str) -> str:
    """An edge from intake to a, with ``rest`` in it."""
    return f'{{id="e0", from="intake", to="a", {rest}}}'


def looped(rework: str) -> str:
    """From intake over a, which yields s, and b to c, with a rework edge from b to a."""
    back = f'{{id="back", from="b", to="a", rework={{{rework}}}}}, {{id="out", from="b", to="c"}}'
    chain = ", ".join([INTAKE, llm("a", 'outputs=["s"]'), llm("b", 'evaluation="all-matching"'), llm("c")])
    return pipeline(chain, f"{edges('intake>a', 'a>b')}, {back}")


def node_with(rest: str, *, kind: str = "llm") -> str:
    return pipeline(f'{INTAKE}, {{id="a", type="{kind}", {rest}}}', edges("intake>a"))


def when(condition: str) -> str:
    return pipeline(nodes("a"), edge_with(f"when={condition}"))


CODE_CHAIN = edges("intake>planning", "planning>code", "code>review", "review>integration")
LOOSE_REVIEW = '{id="review", uses="review", inputs=["code"], safety_gate=false}'
GATED_INTEGRATION = '{id="integration", uses="integration", safety_gate=true}'
BOTH_WAYS = '{id="code", uses="code_generation", inputs=["plan"], evaluation="all-matching"}'
FIRST = '{id="intake", uses="intake", evaluation="first-matching"}'
SIDEWAYS = ', {id="back", from="b", to="a", rework={max_traversals=1}}'
SHORT = ', {id="short", from="code", to="integration"}'
UNDECIDED = '{id="intake", uses="intake"}'
REWORK = f"{X}.edges[2].rework"
BACK = looped("max_traversals=1")
