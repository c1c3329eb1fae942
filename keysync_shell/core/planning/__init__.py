"""What a reconciliation does about each finding: policy, actions, plan."""
