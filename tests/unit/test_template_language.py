"""A table of ways out of the sandbox and of ways to hang it: each is refused, or gives a short text, at once."""

from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, TemplateSyntaxError, nodes

from cai.errors import TemplateError
from cai.records import Message
from cai.templates import PromptLibrary

VALUES: dict[str, Any] = {
    "text": "a secret " * 2000,
    "messages": (Message("user", "Hi"), Message("assistant", "Ho")) * 20,
    "user": Message("user", "Hi"),
}
LOOPS = "{% for a in text %}{% for b in text %}{% for c in text %}{% endfor %}{% endfor %}{% endfor %}"

REFUSED = {
    "class": "{{ text.__class__ }}",
    "mro": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "item for attribute": "{{ text['__class__'] }}",
    "joined name": "{{ text[['__cla', 'ss__']|join] }}",
    "spelt with a filter": "{{ text['__CLASS__'|lower] }}",
    "attr filter": "{{ text|attr('__class__') }}",
    "map filter": "{{ messages|map(attribute='__class__')|list }}",
    "groupby filter": "{{ messages|groupby('__class__') }}",
    "globals of a method": "{{ user.to_dict.__globals__ }}",
    "a method": "{{ user.to_dict() }}",
    "slots": "{{ user.__slots__ }}",
    "dataclass fields": "{{ user['__dataclass_fields__'] }}",
    "init of undefined": "{{ nothing.__init__.__globals__ }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "cycler": "{{ cycler.__init__.__globals__.os }}",
    "joiner": "{{ joiner().__init__ }}",
    "namespace": "{% set n = namespace(x=0) %}{{ n }}",
    "namespace field": "{% set n.x = 1 %}",
    "dict": "{{ dict(a=1) }}",
    "range": "{{ range(999999999)|length }}",
    "range in a loop": "{% for i in range(999999999) %}{% endfor %}",
    "times": "{{ 'x' * 999999999 }}",
    "times of a value": "{{ text * 999999999 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "percent": "{{ '%0999999999d' % 1 }}",
    "plus": "{% set x = text + text %}{{ x }}",
    "tilde": "{{ text ~ text }}",
    "divided": "{{ 1 / 0 }}",
    "slice": "{{ text[::-1] }}",
    "format": "{{ '{0.__class__}'.format(text) }}",
    "format filter": "{{ '%0999999999d'|format(1) }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "ljust": "{{ text.ljust(999999999) }}",
    "replace": "{{ text.replace('a', text) }}",
    "replace filter": "{{ text|replace('a', text) }}",
    "center filter": "{{ text|center(999999999) }}",
    "indent filter": "{{ text|indent(999999999) }}",
    "tojson filter": "{{ messages|tojson }}",
    "pprint filter": "{{ messages|pprint }}",
    "list filter": "{{ text|list }}",
    "batch filter": "{{ text|batch(1, text) }}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "set block": "{% set x %}x{% endset %}",
    "doubled lists": "{% set x = [text, text] %}" * 30 + "{{ x }}",
    "doubled tables": "{% set text = {'a': text, 'b': text} %}" * 30 + "{{ text }}",
    "join of joins": "{% set text = text|join(text) %}" * 3 + "{{ text }}",
    "tripled by join": "{% set text = text|join('xxxxxxxx') %}" * 20 + "{{ text }}",
    "loops in loops": LOOPS,
    "a condition in loops": "{% for a in text %}{% for b in text if b == 'z' %}{% endfor %}{% endfor %}",
    "long body": "{% for a in text %}" + "{% if text == text %}{% endif %}" * 1000 + "{% endfor %}",
    "costly filters": "{% for a in text %}{% set b = text|upper|lower|upper|lower %}{% endfor %}",
    "endless output": "{% for a in text %}{{ text }}{% endfor %}",
    "many loops": "{% for a in messages %}{% for b in text %}{{ b }}{% endfor %}{% endfor %}" * 9,
    "recursive loop": "{% for a in messages recursive %}{{ loop(messages) }}{% endfor %}",
    "loop's methods": "{% for a in messages %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "loop's class": "{% for a in messages %}{{ loop.__class__ }}{% endfor %}",
    "loop's own list": "{% for a in messages %}{{ loop._iterable }}{% endfor %}",
    "recursive macro": "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
    "call block": "{% call text() %}{% endcall %}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import '/etc/passwd' as x %}",
    "from": "{% from 'draft/answer' import x %}",
    "extends": "{% extends '/etc/passwd' %}",
    "block": "{% block x %}{{ super() }}{% endblock %}",
    "with": "{% with x = text %}{{ x }}{% endwith %}",
    "autoescape": "{% autoescape true %}{% endautoescape %}",
    "do": "{% do messages.append(1) %}",
    "debug": "{% debug %}",
    "self": "{{ self }}",
    "self's context": "{{ self._TemplateReference__context }}",
    "test": "{{ text is string }}",
    "list literal": "{{ [text] }}",
    "tuple literal": "{{ (text, text) }}",
    "printed list": "{{ messages }}",
    "printed row": "{{ user }}",
    "printed loop": "{% for a in messages %}{{ loop }}{% endfor %}",
    "deep brackets": "{{ " + "(" * 5000 + "text" + ")" * 5000 + " }}",
    "deep not": "{{ " + "not " * 5000 + "text }}",
    "deep attributes": "{{ text" + ".a" * 5000 + " }}",
    "deep loops": "{% for a in text %}" * 30 + "{% endfor %}" * 30,
    "deep ifs": "{% if text %}" * 200 + "{% endif %}" * 200,
    "long decimal": "{{ " + "9" * 10_000 + " }}",
    "long hexadecimal": "{{ 0x" + "f" * 10_000 + " }}",
    "deep tables": "{{ " + "{'a': " * 500 + "1" + "}" * 500 + " }}",
    "work of the budget's name": "{{ text|_turns(1) }}",
}

HARMLESS = {
    "values in a row": ("{{ user.role }}: {{ user.content }}", "user: Hi"),
    "a loop": ("{% for m in messages %}{% if loop.index < 3 %}{{ m.content }} {% endif %}{% endfor %}", "Hi Ho "),
    "a loop with else": ("{% for m in messages if m.role == 'x' %}x{% else %}none{% endfor %}", "none"),
    "filters": ("{{ user.content|upper|trim }}{{ messages|length }}{{ text|first|capitalize }}", "HI40A"),
    "a join": ("{{ text|trim|last }}{{ user.content|join('-') }}", "tH-i"),
    "a name": ("{% set name = {'user': 'Human'}[user.role] %}{{ name if name else 'nobody' }}", "Human"),
    "raw": ("{% raw %}{{ 7 * 7 }}{% endraw %}", "{{ 7 * 7 }}"),
    "logic": ("{% if user.role == 'user' and not user.content != 'Hi' or 2 > 3 %}yes{% endif %}", "yes"),
    "an index": ("{{ messages[1].content }}", "Ho"),
}


def rendered(folder: Path, body: str) -> str:
    """Render with a header that declares whatever is used, so that nothing is refused for its header alone."""
    names = _used(body)
    file = folder / "draft" / "x.chat.jinja"
    file.parent.mkdir()
    file.write_text(f"{{# variables: {', '.join(names)} #}}\n{{% if text %}}{{% endif %}}{body}")
    return PromptLibrary(folder, "chat").render("draft/x", **dict.fromkeys(names, "x") | VALUES)


def _used(body: str) -> set[str]:
    try:
        found = list(Environment().parse(body).find_all(nodes.Name))
    except (TemplateSyntaxError, ValueError, RecursionError):
        return {"text"}
    stored = {name.name for name in found if name.ctx == "store"}
    return {name.name for name in found} - stored - {"loop"} | {"text"}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(TemplateError, match=r"draft/x\.chat\.jinja") as refused:
        rendered(tmp_path, body)
    assert "declar" not in refused.value.what


@pytest.mark.parametrize(("body", "expected"), HARMLESS.values(), ids=HARMLESS.keys())
def test_what_a_prompt_needs_is_there(tmp_path: Path, body: str, expected: str) -> None:
    assert rendered(tmp_path, body) == expected


def test_the_message_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as refused:
        rendered(tmp_path, "Line 2\n{{ text * 2 }}")
    assert refused.value.what == "refused: Mul is not allowed in prompt templates"
    assert refused.value.where is not None
    assert refused.value.where.endswith("x.chat.jinja:3")
    assert "for, if, set" in (refused.value.fix or "")
