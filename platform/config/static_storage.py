"""Static files under names with their hash in it, and the modules of the browser client under such names too."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """settings.STORAGES: what a module imports is rewritten as well, or a deploy would mix the versions of two."""

    support_js_module_import_aggregation = True
