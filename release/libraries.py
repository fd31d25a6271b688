"""The shared libraries that a release carries: which ones its programs need, copies under names of their own, and licences.

A copy of libz.so.1 is called libz-hardface.so.1, so that a process (Python's above all) may hold it beside the machine's own,
which may be a newer one. libstdc++ and libgcc_s keep their names: two of these in one process would not work."""
import os
import re
import shutil
import subprocess

# Of glibc, which every machine has in a version that fits its kernel, and which must be there once.
_OF_GLIBC = re.compile(r"(ld-linux.*|linux-vdso|lib(c|m|dl|rt|pthread|resolv|util))\.so\.\d+")
_OF_GCC = re.compile(r"(libstdc\+\+|libgcc_s)\.so\.\d+")
# Headers that are compiled in, and the code by which Bazel finds files.
_COMPILED_IN = ["bazel-bootstrap", "libeigen3-dev", "nlohmann-json3-dev"]


def _output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def needed(programs):
    """soname -> file, of all libraries that PROGRAMS load, glibc's apart."""
    found = {}
    for program in programs:
        for line in _output("ldd", os.path.abspath(program)).splitlines():
            match = re.match(r"\s*(\S+) => (.*) \(0x", line)
            if match and not _OF_GLIBC.fullmatch(match[1]):
                found[match[1]] = os.path.realpath(match[2])
            elif "not found" in line:
                raise SystemExit(f"{program}: {line.strip()}")
    return dict(sorted(found.items()))


def own_name(soname):
    return soname if _OF_GCC.fullmatch(soname) else soname.replace(".so", "-hardface.so", 1)


def _lead_to(file, sonames, folder):
    """FILE looks for the libraries SONAMES under their new names in FOLDER, seen from its own place, before all others."""
    renamed = []
    for soname in _output("patchelf", "--print-needed", file).split():
        if soname in sonames and own_name(soname) != soname:
            renamed += ["--replace-needed", soname, own_name(soname)]
    # Two calls: patchelf 0.14 does not do both at once.
    if renamed:
        subprocess.run(["patchelf"] + renamed + [file], check=True)
    subprocess.run(["patchelf", "--force-rpath", "--set-rpath", "/".join(["$ORIGIN"] + folder), file], check=True)


def add_program(source, target, sonames, folder):
    """Copies a program or library of ours without its symbol table, for LIBRARIES in FOLDER seen from it."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)
    subprocess.run(["strip", "--strip-unneeded", target], check=True)
    _lead_to(target, sonames, folder)


def add_libraries(libraries, folder):
    os.makedirs(folder, exist_ok=True)
    for soname, source in libraries.items():
        target = os.path.join(folder, own_name(soname))
        shutil.copyfile(source, target)
        os.chmod(target, 0o755)
        subprocess.run(["patchelf", "--set-soname", own_name(soname), target], check=True)
        _lead_to(target, libraries, [])


def _package_of(file):
    """Debian's package that FILE is of. Some packages name their files without /usr."""
    for path in (file, file.replace("/usr/", "/", 1)):
        asked = subprocess.run(["dpkg-query", "-S", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if asked.returncode == 0:
            return asked.stdout.split(":")[0]
    raise SystemExit(f"{file}: no Debian package has this file, so that its licence is unknown")


def packages(libraries):
    """(name, version, sonames) of the packages whose code a release holds."""
    sonames = {package: [] for package in _COMPILED_IN}
    for soname, file in libraries.items():
        sonames.setdefault(_package_of(file), []).append(soname)
    version = {name: _output("dpkg-query", "-W", "-f=${Version}\n", name).split("\n")[0] for name in sonames}
    return [(name, version[name], files) for name, files in sorted(sonames.items())]


def licence_text(package):
    with open(f"/usr/share/doc/{package}/copyright", encoding="utf-8", errors="replace") as file:
        return file.read()


def spdx(version, of_packages):
    """The release's contents as an SPDX 2.3 document."""
    own = {"name": "hardface", "SPDXID": "SPDXRef-hardface", "versionInfo": version, "downloadLocation": "NOASSERTION",
           "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
           "copyrightText": "NOASSERTION"}
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "hardface-" + version,
        "documentNamespace": "https://spdx.org/spdxdocs/hardface-" + version,
        # The same bytes whenever it is made.
        "creationInfo": {"created": "1980-01-01T00:00:00Z", "creators": ["Tool: hardface-release"]},
        "packages": [own], "hasExtractedLicensingInfos": [],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": "SPDXRef-hardface"}],
    }
    for name, package_version, sonames in of_packages:
        reference = re.sub(r"[^A-Za-z0-9.-]", "-", name)
        document["packages"].append({
            "name": name, "SPDXID": "SPDXRef-" + reference, "versionInfo": package_version,
            "downloadLocation": "https://deb.debian.org/debian", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "LicenseRef-" + reference,
            "copyrightText": "NOASSERTION",
            "comment": "Libraries: " + ", ".join(sonames) if sonames else "Compiled into the tools."})
        document["hasExtractedLicensingInfos"].append({
            "licenseId": "LicenseRef-" + reference, "name": f"copyright file of Debian's package {name}",
            "extractedText": licence_text(name)})
        document["relationships"].append({
            "spdxElementId": "SPDXRef-hardface", "relatedSpdxElement": "SPDXRef-" + reference,
            "relationshipType": "DYNAMIC_LINK" if sonames else "STATIC_LINK"})
    return document
