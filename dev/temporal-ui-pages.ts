/** Addresses of pages in the Temporal UI, and how to get to what Sluice shows there. */
import type { FrameLocator, Page } from 'playwright-core';

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
    await this.page.goto(`${this.workflows()}/${encodeURIComponent(workflowId)}`);
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

  private workflows(): string {
    return `${this.url}/namespaces/${this.namespace}/workflows`;
  }
}
