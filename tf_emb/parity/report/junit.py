"""A parity run as JUnit XML, which continuous-integration servers read."""

from xml.etree import ElementTree as ET

from tf_emb.parity.check import Row
from tf_emb.parity.report.view import clean
from tf_emb.parity.result import FaultResult, Result

KINDS = {"fail": "failure", "error": "error", "absent": "skipped", "n/a": "skipped"}


def as_junit(result: Result) -> str:
    """Return a test for each row and each planted fault, and an error for each engine that broke."""
    root = ET.Element("testsuites", name="parity")
    suites: dict[str, ET.Element] = {}
    for row in result.rows:
        _row(_suite(root, suites, row.case), row)
    for fault in result.faults:
        _fault(_suite(root, suites, fault.case), fault)
    for engine in result.engines:
        if engine.status == "error":
            _test(_suite(root, suites, "engines"), "engines", engine.name, "error", engine.message)
    for kind, names in result.left_out.items():
        for name in names:
            _test(_suite(root, suites, f"left out: {kind}"), kind, name, "skipped", "left out by --quick")
    for element in [*root, root]:
        element.set("timestamp", clean(result.started))
        _count(element)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, known: dict[str, ET.Element], name: str) -> ET.Element:
    """Return the suite of that name, made when it is first asked for."""
    if name not in known:
        known[name] = ET.SubElement(root, "testsuite", name=clean(name))
    return known[name]


def _row(suite: ET.Element, row: Row) -> None:
    name = f"{row.output} [{row.engine} {row.dtype}]".lstrip()
    _test(suite, row.case, name, KINDS.get(row.status), row.message)


def _fault(suite: ET.Element, fault: FaultResult) -> None:
    said = fault.message or f"not caught: {fault.old!r} became {fault.new!r}"
    _test(suite, fault.case, f"fault: {fault.name}", None if fault.caught else "failure", said)


def _test(suite: ET.Element, of: str, name: str, kind: str | None, message: str) -> None:
    test = ET.SubElement(suite, "testcase", classname=clean(of), name=clean(name))
    text = clean(message)
    if kind:
        ET.SubElement(test, kind, message=text.partition("\n")[0]).text = text
    elif text:
        ET.SubElement(test, "system-out").text = text


def _count(element: ET.Element) -> None:
    """Write how many tests an element holds, and how many of them failed, broke or were left out."""
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"),
                           ("skipped", "skipped")):  # fmt: skip
        element.set(attribute, str(len(list(element.iter(tag)))))
