"""Every error writes its message: a docstring's words are gone under `python -OO`."""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def errors() -> list[tuple[str, ast.ClassDef]]:
    """Every class of ours that names an error's code."""
    listed = subprocess.run(
        ["git", "ls-files", "platform", "billing", "nodes", "streaming"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = []
    for name in listed:
        path = ROOT / name
        if path.suffix != ".py" or not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.ClassDef)
                and "code" in assigned(node)
                and any(isinstance(base, ast.Name) and base.id[0].isupper() for base in node.bases)
            ):
                found.append((f"{name}:{node.name}", node))
    return found


def assigned(node: ast.ClassDef) -> set[str]:
    """The names that a class body gives a text."""
    return {
        target.id
        for one in node.body
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
        for target in one.targets
        if isinstance(target, ast.Name)
    }


def test_every_error_with_a_code_writes_its_message():
    classes = errors()

    assert len(classes) > 40
    assert [name for name, node in classes if "message" not in assigned(node)] == []
