/**
 * Text by which the plugins recognise a prebuilt bundle that contains our workflows. Imported only by the entry of our
 * workflows and by the plugins, which are in no bundle.
 */
export const SLUICE_WORKFLOWS_MARK = 'sluice: this bundle holds the workflows of Sluice';
