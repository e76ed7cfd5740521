from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from cai.errors import ConfigError
from cai.yaml_model import load_yaml_model, nearest


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sampling(Base):
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: float = 1.0


class Cat(Base):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(Base):
    kind: Literal["dog"] = "dog"
    tricks: tuple[str, ...] = ()


class Home(Base):
    name: str
    mode: Literal["quiet", "lively"] = "quiet"
    sampling: Sampling = Sampling()
    maybe: Sampling | None = None
    pets: dict[str, Annotated[Cat | Dog, Field(discriminator="kind")]] = {}
    rooms: Annotated[list[str], Field(min_length=1)] = ["hall"]
    open: bool = True

    @model_validator(mode="after")
    def _first_room_is_named(self) -> "Home":
        if self.rooms[0] == "":
            raise PydanticCustomError("no_name", "a room needs a name", {"at": ["rooms", 0]})
        return self


def message(tmp_path: Path, text: str) -> str:
    file = tmp_path / "f.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_yaml_model(file, Home, ConfigError)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_a_right_file_loads(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("name: h\nrooms: [a, b]\npets: {tom: {kind: cat, lives: 7}}\nsampling: {temperature: 1}\n")
    home = load_yaml_model(file, Home, ConfigError)
    assert home.rooms == ["a", "b"]
    assert home.pets["tom"] == Cat(lives=7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: h\nmoed: quiet", "f.yaml:2:1: `moed` is not a known key (did you mean `mode`?)"),
        (
            "name: h\nsampling: {temprature: 1}",
            "f.yaml:2:12: `sampling.temprature` is not a known key (did you mean `temperature`?)",
        ),
        ("name: h\nmaybe: {topp: 1}", "f.yaml:2:9: `maybe.topp` is not a known key (did you mean `top_p`?)"),
        (
            "name: h\ntemperature: 1",
            "f.yaml:2:1: `temperature` is not a known key (did you mean `sampling.temperature`?)",
        ),
        (
            "name: h\npets:\n  rex: {kind: dog, trick: []}",
            "f.yaml:3:20: `pets.rex.trick` is not a known key (did you mean `tricks`?)",
        ),
        (
            "name: h\npets:\n  rex: {kind: dgo}",
            "f.yaml:3:15: `pets.rex.kind` is `dgo`, but it can only be `cat` or `dog` (did you mean `dog`?)",
        ),
        ("name: h\npets:\n  rex: {}", "f.yaml:3:8: `pets.rex.kind` is missing (add it, to say which kind this is)"),
        (
            "name: h\npets:\n  tom: {kind: cat, lives: many}",
            "f.yaml:3:27: `pets.tom.lives` should be a whole number, not `many`",
        ),
        (
            "name: h\npets: {tom: {kind: cat, lives: 1.5}}",
            "f.yaml:2:32: `pets.tom.lives` should be a whole number, not 1.5",
        ),
        ("mode: quiet", "f.yaml:1:1: `name` is missing (add it)"),
        ("name: 3", "f.yaml:1:7: `name` should be text, not 3 (put it in quotes)"),
        (
            "name: h\nmode: livly",
            "f.yaml:2:7: `mode` is `livly`, but it can only be `quiet` or `lively` (did you mean `lively`?)",
        ),
        ("name: h\nsampling:\n  temperature: 3", "f.yaml:3:16: `sampling.temperature` should be at most 2, not 3"),
        ("name: h\nrooms: []", "f.yaml:2:8: `rooms` needs at least 1, but has 0"),
        ("name: h\nrooms: hall", "f.yaml:2:8: `rooms` should be a list, not `hall`"),
        ("name: h\nopen: yes", "f.yaml:2:7: `open` should be true or false, not `yes`"),
        ("name: h\nsampling: 3", "f.yaml:2:11: `sampling` should be a group of keys, not 3"),
        ("name: h\nrooms: ['']", "f.yaml:2:9: `rooms[0]`: a room needs a name"),
        ("- a", "f.yaml:1:1: `(top level)` should be a group of keys, not a list"),
        ("", "f.yaml: the file is empty (see the shipped files for a pattern)"),
        ("# only a comment", "f.yaml: the file is empty (see the shipped files for a pattern)"),
    ],
)
def test_each_mistake_has_place_key_path_and_a_way_out(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    said = message(tmp_path, "nmae: h\nmode: loud\nrooms: []\nrooms: [a]\n").splitlines()
    assert [line.split(": ")[0] for line in said] == [
        "f.yaml:1:1",
        "f.yaml:1:1",
        "f.yaml:2:7",
        "f.yaml:3:8",
        "f.yaml:4:1",
    ]


def test_many_problems_are_cut_and_counted(tmp_path: Path) -> None:
    said = message(tmp_path, "name: h\n" + "".join(f"key_{n}: 1\n" for n in range(40))).splitlines()
    assert said[-1] == "and 15 more"
    assert len(said) == 26


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_yaml_model(tmp_path / "gone.yaml", Home, ConfigError)
    with pytest.raises(ConfigError, match="folder"):
        load_yaml_model(tmp_path, Home, ConfigError)


def test_nearest_forgives_case_and_separators() -> None:
    assert nearest("Top-P", ["top_p", "top_k"]) == "top_p"
    assert nearest("zebra", ["top_p"]) is None


def test_a_list_is_not_called_too_short_because_an_item_is_wrong(tmp_path: Path) -> None:
    class Item(Base):
        name: str

    class Whole(Base):
        items: Annotated[tuple[Item, ...], Field(min_length=1)]

    path = tmp_path / "a.yaml"
    path.write_text("items:\n  - nmae: x\n", encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_yaml_model(path, Whole, ConfigError)
    assert "needs at least" not in str(raised.value)
    path.write_text("items: []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="needs at least 1"):
        load_yaml_model(path, Whole, ConfigError)
