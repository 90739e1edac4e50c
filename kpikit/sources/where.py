"""Names a key of a product's file, with file and line, for messages."""

from dataclasses import dataclass

from kpikit.params import LoadedProduct


@dataclass(frozen=True)
class Where:
    """A key of a product's file; as text ``params/atlas.yml:12: source.tables.orders``."""

    loaded: LoadedProduct
    key: str

    def at(self, *parts: str) -> "Where":
        """Return a key below this one."""
        return Where(self.loaded, ".".join([self.key, *parts]))

    def __str__(self) -> str:
        return f"{self.loaded.place(self.key)}: {self.key}"
