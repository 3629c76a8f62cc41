"""What pyproject.toml cannot say: the wheel holds the top-level folder conf/ as `oasis/conf`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["oasis*", "hydra_plugins"]), "oasis.conf"],
    package_dir={"oasis.conf": "conf"},
    package_data={
        "oasis": ["**/*.j2", "label_spaces/*.yaml", "app/*.html", "app/*.js", "app/*.css", "bundled/*.safetensors"],
        "oasis.conf": ["**/*.yaml"],
    },
    exclude_package_data={"oasis.conf": ["local/*"]},
)
