/** Addresses of pages in the Temporal UI, and locators for Sluice's parts of them. */
import type { FrameLocator, Locator, Page } from 'playwright-core';

export class TemporalUi {
  constructor(
    private readonly page: Page,
    private readonly url: string,
    private readonly namespace = 'default',
  ) {}

  /** The list of workflows, filtered by a visibility query. */
  async openList(query: string): Promise<void> {
    await this.page.goto(`${this.workflows()}?query=${encodeURIComponent(query)}`);
    await this.page
      .getByRole('heading', { name: /Workflow/ })
      .first()
      .waitFor();
  }

  /** Summary, details and the summaries of activities and timers of one workflow. */
  async openMetadata(workflowId: string): Promise<void> {
    await this.page.goto(this.workflow(workflowId));
    await this.page.getByText('User Metadata').click();
    await this.details().locator('p').first().waitFor();
  }

  /** Rendered Markdown of the summary. */
  summary(): FrameLocator {
    return this.page.frameLocator('iframe[title="output"]').first();
  }

  /** Rendered Markdown that the workflow itself keeps up to date. */
  details(): FrameLocator {
    return this.page.frameLocator('iframe[title="output"]').last();
  }

  /** Sends a signal by its dialog. */
  async signal(workflowId: string, name: string, input: string): Promise<void> {
    await this.openDialog(workflowId, 'Send a Signal');
    await this.submit('signal', name, input);
    await this.page.getByText('Workflow signaled.').waitFor();
  }

  /** Sends an update by its dialog, which closes on success and shows the error otherwise. */
  async update(workflowId: string, name: string, input: string): Promise<void> {
    await this.openDialog(workflowId, 'Send an Update');
    await this.submit('update', name, input);
  }

  dialog(): Locator {
    return this.page.getByRole('dialog').locator('visible=true');
  }

  async openDialog(workflowId: string, action: 'Send a Signal' | 'Send an Update'): Promise<void> {
    await this.page.goto(this.workflow(workflowId));
    // The page holds a second menu for narrow windows.
    await this.page.getByRole('button', { name: 'More Actions' }).locator('visible=true').click();
    await this.page.getByRole('menuitem', { name: action }).locator('visible=true').click();
  }

  /** Opens the list of the workflow's signals or updates. */
  async showChoices(kind: 'signal' | 'update'): Promise<void> {
    await this.dialog().getByTestId(`${kind}-select-button`).click();
  }

  private async submit(kind: 'signal' | 'update', name: string, input: string): Promise<void> {
    await this.showChoices(kind);
    await this.dialog()
      .getByRole('option', { name: new RegExp(`^${name}\\b`) })
      .click();
    await this.dialog().locator('[contenteditable=true]').click();
    await this.page.keyboard.insertText(input);
    // Leaving the input formats it, which moves the button during a click.
    await this.page.keyboard.press('Tab');
    await this.dialog().getByRole('button', { name: 'Submit' }).click();
  }

  private workflow(id: string): string {
    return `${this.workflows()}/${encodeURIComponent(id)}`;
  }

  private workflows(): string {
    return `${this.url}/namespaces/${this.namespace}/workflows`;
  }
}
