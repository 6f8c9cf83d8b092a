"""The manifests for Kubernetes by its schemas, their commands as processes of this machine, and the container's packages."""
import glob
import json
import os
import re
import subprocess

from jobs import VONK, check
from launches import JOB, LAUNCHERS, PATIENCE, wait_until
from slurm_cluster import free_ports

FILES = os.path.join(LAUNCHERS, "kubernetes")
VERSIONS = ("1.27", "1.30", "1.34")
# Run by the Python that has the packages: prints one line of JSON a document, and what is wrong with it.
VALIDATE = """
import json, sys, kubernetes_validate, yaml
for path in sys.argv[2:]:
    for document in yaml.safe_load_all(open(path)):
        problems = []
        for version in sys.argv[1].split(","):
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except Exception as error:
                problems.append(f"{version}: {error}")
        print(json.dumps([document, problems]))
"""


def test_files(python):
    test_packages()
    if python is None:
        return
    documents, problems = read_documents(python)
    check(len(documents) == 5, f"manifests: {len(documents)}")
    check(not problems, f"the manifests by the schemas of Kubernetes: {problems}")
    test_restrictions(documents)


def read_documents(python):
    """(the documents of all manifests, what is wrong with them)"""
    paths = sorted(glob.glob(os.path.join(FILES, "*.yaml")))
    done = subprocess.run([python, "-c", VALIDATE, ",".join(VERSIONS), *paths], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    problems = [f"{document['kind']} {document['metadata']['name']}: {wrong}" for document, wrong in lines if wrong]
    return [document for document, _ in lines], problems + ([done.stderr] if done.returncode else [])


def pods(documents):
    """{component: the specification of its pods}"""
    templates = [document["spec"]["template"] for document in documents if "template" in document["spec"]]
    return {template["metadata"]["labels"]["app.kubernetes.io/component"]: template["spec"] for template in templates}


def test_restrictions(documents):
    """What the "restricted" standard for pods asks for, and more: bounds, a file system that is only read."""
    for name, pod in pods(documents).items():
        context, (container,) = pod["securityContext"], pod["containers"]
        check(context["runAsNonRoot"] and context["runAsUser"] > 0, f"{name} is not root")
        check(context["seccompProfile"] == {"type": "RuntimeDefault"}, f"{name} has a seccomp profile")
        check(container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                               "capabilities": {"drop": ["ALL"]}}, f"{name} has no rights that it does not need")
        check(set(container["resources"]["limits"]) == {"cpu", "memory"}, f"{name} has limits")
        check(pod["automountServiceAccountToken"] is False, f"{name} has no token of the cluster")
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        check(mounts == {volume["name"] for volume in pod["volumes"]}, f"{name}: volumes and mounts: {mounts}")
    service = next(document for document in documents if document["kind"] == "Service")
    labels = next(document for document in documents if document["metadata"]["name"] == "vonk-master"
                  and document["kind"] == "Deployment")["spec"]["template"]["metadata"]["labels"]
    check(service["spec"]["selector"].items() <= labels.items(), "the service finds the master")


def command(pod, replace):
    """What the container runs, with the paths and addresses of this machine."""
    (container,) = pod["containers"]
    values = {"POD_IP": "127.0.0.1", "CORES": "1", "MEMORY_MIB": "512"}
    words = [re.sub(r"\$\(([A-Z_]+)\)", lambda match: values[match[1]], word) for word in container["args"]]
    for here, there in replace.items():
        words = [word.replace(here, there) for word in words]
    env = {entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry}
    for here, there in replace.items():
        env = {name: value.replace(here, there) for name, value in env.items()}
    return [VONK, *words], env


def test_commands(launches, python):
    if python is None:
        return
    documents, _ = read_documents(python)
    folder = os.path.join(launches.folder, "kubernetes")
    os.mkdir(folder)
    secret = os.path.join(folder, "secret")
    subprocess.run([VONK, "cluster", "init", "--secret-file", secret], check=True, capture_output=True)
    (port,) = free_ports(1)
    replace = {"/etc/vonk/secret": secret, "vonk-master:7077": f"127.0.0.1:{port}", "7077": str(port), "/job/job.c": JOB,
               "/var/lib/vonk": folder}
    specifications = pods(documents)
    processes = []
    try:
        for number, component in enumerate(("master", "worker", "worker")):
            words, env = command(specifications[component], {**replace, "/work": f"/work{number}"})
            with open(os.path.join(folder, "output"), "ab") as output:
                processes.append(subprocess.Popen(words, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=output,
                                                  stderr=output))
        words, env = command(specifications["driver"], replace)
        done = subprocess.run([*words, "16", launches.meeting(is_open=True), "0"], env={**os.environ, **env}, capture_output=True, text=True, timeout=PATIENCE)
        check(done.stdout == "16 tasks, 120, in 2 processes\n", f"Kubernetes' commands: {done.stdout!r} {done.stderr}")
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(30)
    check(wait_until(lambda: not glob.glob(f"{folder}/work*/*"), 60), "the workers' folders are empty")


def test_packages():
    """The container has the packages of the libraries that the program and its modules are linked with."""
    with open(os.path.join(FILES, "Containerfile")) as file:
        listed = set(re.findall(r"^ {8}([a-z0-9.+-]+) \\$", file.read(), flags=re.M))
    check({"clang-19", "libc6-dev"} <= listed, f"the container can compile jobs: {listed}")
    for path in [VONK, *glob.glob(os.path.join(os.path.dirname(VONK), "libvonk*.so"))]:
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout)
        check(len(needed) >= 2, f"{path}: libraries: {needed}")
        for library in needed:
            owners = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True).stdout
            packages = set(re.findall(r"^([^:]+):", owners, flags=re.M))
            check(packages & (listed | {"libc6"}), f"the container lacks one of {packages} for {library}")
