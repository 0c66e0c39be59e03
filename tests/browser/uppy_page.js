// What a label's own site bundles to let people send masters in.
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

Object.assign(globalThis, { Uppy, UppyTus: Tus });
