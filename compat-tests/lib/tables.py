"""What the CLI prints as tables."""


def without_metrics(lines):
    """Tables of units without the columns that a metrics server adds once it has looked at the units: CPU and memory."""
    measured = False
    for line in lines:
        if line.startswith("|"):
            cells = line.strip("|").split("|")
            if any(cell.strip() == "Restarts" for cell in cells):
                measured = [cell.strip() for cell in cells[-2:]] == ["CPU", "Memory"]
            yield "|" + "|".join(cells[:-2]) + "|" if measured else line
        else:
            measured = measured and line.startswith("+")
            yield line
