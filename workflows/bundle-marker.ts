/**
 * Text by which the plugins recognise a bundle that was made beforehand and holds our workflows. Only the entry of our
 * workflows imports this file, and the plugins, which are in no bundle.
 */
export const SLUICE_WORKFLOWS_MARK = 'sluice: this bundle holds the workflows of Sluice';
