"""A contract that import-linter has no word for: modules of a flat package form families by their first word."""

from itertools import chain

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class FamiliesContract(Contract):
    """Modules of one package may import each other only inside a family: ``git_mirror`` and ``git_format`` are one.

    ``relatives`` lists words that mean the same family, several words to a line.
    """

    type_name = "families"

    package = fields.StringField()
    relatives = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every import between two modules of the package."""
        members = sorted(graph.find_descendants(str(self.package)))
        links = chain.from_iterable(
            ((importer, imported) for imported in sorted(graph.find_modules_directly_imported_by(importer)))
            for importer in members
        )
        strangers = [
            (importer, imported)
            for importer, imported in links
            if imported in members and self._family(importer) != self._family(imported)
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name every import that leaves its family."""
        for importer, imported in check.metadata["strangers"]:
            output.print_error(f"{importer} imports {imported}, which is of another family.", bold=False)

    def _family(self, module: str) -> str:
        word = module.removeprefix(f"{self.package}.").split(".")[0].split("_")[0]
        for line in self.relatives or ():  # type: ignore[union-attr]
            if word in str(line).split():
                return str(line)
        return word
