"""What the CLI prints as tables, and as progress."""

# How far an upload is: written at the start and every two seconds, by what was read so far just then.
_HOW_FAR = r"Uploading files \(\d+\.\d+MB\)\.\.\.(?: \d+\.\d+%(?: \(\d+\.\d+MB/s\)| Processing\.*)?)?"
UPLOADING = (rf"{_HOW_FAR}(?:\s+{_HOW_FAR})*", "Uploading files...")


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
